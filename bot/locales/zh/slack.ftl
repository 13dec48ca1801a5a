# 仅在 Slack 中出现的文字。

slack-working = 正在查找答案……
slack-submit = 提交
slack-close = 取消
slack-correct-title = 正确答案
slack-correct-label = 正确答案应该是什么？
slack-keep-title = 加入知识库
slack-keep-question = 问题
slack-keep-answer = 答案
slack-home-hello = 关于团队文档的任何问题都可以问我：在这里的“消息”页，或在邀请了我的频道里 @ 我。发送“帮助”可以了解我还能做什么。
slack-home-language = 我用哪种语言与您交流
slack-language-auto = 与我的提问一致
slack-language-en = English
slack-language-zh = 简体中文
slack-prompts-title = 您想了解什么？
slack-prompt-help = 你能做什么？
slack-prompt-privacy = 你会保存我的哪些信息？

# 管理员在应用主页看到的内容
home-answers = 最近 7 天共 { $questions } 个问题，已回答 { $answered } 个
home-ratings = 累计评价：👍 { $up }  👎 { $down }
home-documents = 文档：{ $documents } 份
home-version = 当前版本：{ $version }
