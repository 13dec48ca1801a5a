# The dashboard's page of what nobody could answer.
questions-lead = 机器人未能回答的问题，问得最多的在最前。您在这里写下的答案立即生效：下次有人这样问，就会原文给出。
questions-times = 问过 { $number } 次
questions-also = 也有人这样问：
questions-last = 最近一次提问：{ $time }
questions-why = 为什么没有答案
questions-write = 写答案
questions-answer = 答案
questions-at-once = 遇到这个问题以及几乎相同的问题时，会原文给出。可以在“人工答案”中找到它。
questions-keep = 从现在起给出这个答案
questions-drop = 移除
questions-drop-sure = 不写答案，把这 { $number } 个问题从列表中移除吗？
questions-drop-yes = 是，移除
questions-none = 每个问题都已有答案或已处理。
questions-none-more = 当机器人只能说“不知道”时，问题会出现在这里。
