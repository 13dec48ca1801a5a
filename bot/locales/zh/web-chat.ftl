# 聊天页面。
web-chat = 聊天
web-chat-skip = 跳到输入框
web-chat-side = 对话与设置
web-chat-new = 新对话
web-chat-talks = 您的对话
web-chat-notices = 通知
web-chat-untitled = 对话
web-chat-language = 语言
web-chat-automatic = 自动
web-chat-theme = 配色
web-chat-light = 浅色
web-chat-dark = 深色
web-chat-dashboard = 管理面板
web-chat-log-out = 退出登录
web-chat-conversation = 对话内容
web-chat-earlier = 查看更早的内容
web-chat-hello = 您好，我是{ $name }。想了解什么？
web-chat-about = 我可以帮助您了解：{ $topics }。
web-chat-about-documents = 我根据本团队的文档回答问题，并注明出处。
web-chat-examples = 可以从这些问题开始
web-chat-your-question = 请输入您的问题
web-chat-send = 发送
web-chat-cancel = 取消
web-chat-close = 关闭
web-chat-hint = 按 Enter 发送，Shift+Enter 换行。输入 /help 查看更多功能。
web-chat-you = 您：
web-chat-bot = 回答：
web-chat-thinking = 正在准备回答……
web-chat-line = { $place ->
    [1] 下一个就是您。
   *[other] 您排在第 { $place } 位。
}
web-chat-dropped = 这条消息没有得到回答。
web-chat-with-people = 已转给团队，他们的回复会显示在这里。
web-chat-source = 来源 { $number }：{ $title }
web-chat-good = 回答得好
web-chat-bad = 回答得不好
web-chat-why = 为什么这样回答？
web-chat-right-answer = 正确答案应该是什么？
web-chat-keep = 要为“{ $question }”保存的答案：
web-chat-not-kept = 这里引用的他人内容不再保存。
web-chat-offline = 连接已断开，页面内容可能不是最新的；正在重新连接。
web-chat-unsent = 没有连接，消息未发送。您的文字还在，请重新发送。
web-chat-over = 重新开始
web-chat-logged-out = 您已退出登录。
web-chat-forgotten = 您的数据已被删除。页面上只剩最后几句话，对话内容已不复存在。
web-chat-cookies = 本页面需要 Cookie 才能识别您的对话。请允许 Cookie，然后重新加载。
