# API 的页面。API 本身的文字面向程序，使用英文。
web-api = API
web-api-script = 此页面需要启用脚本；接口定义见：
