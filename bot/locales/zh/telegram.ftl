# 机器人只在 Telegram 上说的话，简体中文。

telegram-greeting = 大家好！我根据团队的文档回答问题。在这个群里我只看发给我的消息：@{ $username }、回复我的消息，或者发送 /ask 加上您的问题。
