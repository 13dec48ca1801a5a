# 网页：登录，以及请求没有得到回答时的说明。
web-login = 登录
web-login-as = 此链接将以 { $name } 的身份登录。
web-login-how = 请在与机器人的私聊中发送 /login 获取链接，或在服务器上运行 `burnish login`，也可以使用用户名和密码。
web-login-link-over = 此链接已被使用，或已超过 15 分钟。请用 /login 重新获取。
web-login-wrong = 用户名或密码不正确。
web-login-slow-down = 尝试次数过多，请等一分钟再试。
web-login-needed = 请先登录。
web-name = 用户名
web-password = 密码
web-forged = 此请求来自过期的页面或其他网站，因此没有执行。请重新加载页面后再试。
web-not-there = 没有这个页面。
web-too-large = 内容太大。
web-failed = 操作未成功。请再试一次；如果仍然失败，请让管理员查看日志。
web-invalid = 有内容缺失或不符合要求：{ $fields }。
web-to-chat = 返回聊天
command-login = 在浏览器中打开页面
usage-login = `{ $command }`
login-link = 打开此链接即可登录页面和管理面板。链接仅供你本人使用，只能用一次，15 分钟内有效：
    { $link }
login-link-user = 打开此链接即可登录页面。链接仅供你本人使用，只能用一次，15 分钟内有效：
    { $link }
login-on-server = 此地址只在服务器本机有效。若要在别处使用，请管理员设置 `web.public_url`。
login-there = 你已经在浏览器中了。
login-local = `burnish login` 会打印一个链接。
