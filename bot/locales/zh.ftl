# 机器人自己说的话，简体中文。

refusal-topics = 这个问题我不知道：我掌握的文档里没有答案。我可以帮助您了解：{ $topics }。
refusal = 这个问题我不知道：我掌握的文档里没有答案。
refusal-empty = 我还没有可供查阅的文档。管理员可以这样添加：burnish ingest 文件夹
refusal-kept = 您的问题已经记录下来，团队可以补充答案。
out-of-scope = 这超出了我的职责范围。我可以帮助您了解：{ $topics }。
out-of-scope-bare = 这超出了我的职责范围：我只根据本团队的文档回答问题。
quoted = 文档中写道：
did-you-mean = 您想问的是下面哪一个？
too-long = 您的消息有 { $characters } 个字符，我最多能读 { $limit } 个。请缩短后重新发送。
busy = 现在提问的人很多，请一分钟后再试。
error = 抱歉，我这边出错了，您的问题已经保存。如果再次发生，请把编号 { $number } 告诉管理员。
human = 我无法从这里为您转接人工。请直接联系您的团队；您的消息已为他们保存。
help-topics-more = { $first }和{ $last }
given-up = 抱歉，我试了几次都没能回答。您的问题已保存，团队会看到；换一种问法也许有帮助。
