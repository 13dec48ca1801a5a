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
human = 我无法从这里为您转接人工，请直接联系您的团队。
help-topics-more = { $first }和{ $last }
given-up = 抱歉，我试了几次都没能回答。您的问题已保存，团队会看到；换一种问法也许有帮助。

# 回答与按钮
sources = 来源
button-human = 🙋 转人工
button-again = ↻ 换一个回答
button-try-again = ↻ 重试
button-back = ‹ 返回
button-correct = ✍️ 提供正确答案
button-resolve = ✓ 已解决
button-keep = 📌 保存为标准答案
button-unknown = 这个按钮对应的内容已不存在。
reason-wrong-topic = 答非所问
reason-wrong-source = 来源不对
reason-bad-wording = 表述不佳
reason-out-of-date = 内容过时
reason-other = 其他问题
ask-reason = 哪里不对？
thanks = 谢谢！
thanks-reason = 谢谢，已记录。您知道正确答案吗？
thanks-correction = 谢谢。您的答案已保存，等待管理员审核。
ask-correction = 正确答案应该是什么？您在这里发送的下一条消息将作为正确答案。
looking-again = 正在寻找其他答案……
no-other-answer = 我又找了一遍，文档中没有其他答案。
slow-down = 一分钟内的问题有点多，请过一分钟再重新发送。
cannot-hear = 我暂时还听不了语音消息，请用文字提问。
cannot-see = 我暂时还看不了图片，请用文字描述您看到的内容和想问的问题。
cannot-read = 我读不了这里发来的文件，请用文字提问。（管理员发送文档并附上说明 ingest，即可将其加入知识库。）

# 人工
handed-off = 已转交给团队。同事会在这里回复您，在此期间我不会插话。
handoff-question = 🙋 { $name } 请求人工帮助：
handoff-history = 此前的对话：
handoff-asked = 提问：
handoff-answered = Burnish：
handoff-how = 请直接回复这条消息，您的回复会转给提问者。解决后请点击按钮。
handoff-resolved = 团队已结束处理，之后由我继续回答。
resolved = 已结束，机器人恢复回答。
resolved-before = 此前已经结束。
taught-pair = 今后有人问“{ $question }”时，回答为：{ $answer }
taught = 已保存。下次有人问这个问题时会直接给出这个答案。
not-allowed = 此操作需要“{ $role }”权限，请联系管理员开通。
role-user = 用户
role-trainer = 训练员
role-admin = 管理员
role-owner = 所有者
relay-files = 随消息发来了 { $names }。文件无法转发，请在原聊天中查看，或请对方用文字说明。
taught-in-chat = 团队的回答
