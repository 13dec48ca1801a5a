# What would be learned (`/retrain dry-run`): examples and what is left out.
preview-sum = { $examples ->
    [0] 目前还没有可以学习的内容。
   *[other] 有 { $examples } 条样例可供学习，来自 { $people } 人。
}
preview-intents = intent，问题说的是什么：{ $count } 条（其中 { $kept } 条留作测试）
preview-links = retrieval，问题与段落：{ $count } 条（其中 { $kept } 条留作测试）
preview-verdicts = retrieval，文档里有没有答案：{ $count } 条（其中 { $kept } 条留作测试）
preview-answers = generator，回答：{ $count } 条（其中 { $kept } 条留作测试）
preview-would = 现在训练会训练这些部分：{ $tasks }。
preview-would-not = 现在训练不会有结果。
preview-few = { $task }：可学的太少；除去重复的和留作测试或用来判断何时停止的，现有 { $have } 条样例，需要 { $need } 条，还差 { $missing } 条。
preview-says-intent = 意图是 { $label }
preview-says-good-link = 段落找对了
preview-says-bad-link = 段落找错了
preview-says-liked = 获得好评
preview-says-disliked = 获得差评
preview-says-better = 已有更好的回答获得批准
preview-says-answerable = 文档里有答案
preview-says-unanswerable = 文档里没有答案
preview-example = “{ $question }”：{ $said }
preview-names = （{ $names }）
preview-left-out = 未采用的回答：{ $answers } 条
preview-why-disputed = 有争议：{ $count }
preview-why-doubtful = 评价者可信度太低：{ $count }
preview-why-corrected = 虽有好评，但已批准了另一个回答：{ $count }
preview-why-out-of-date = 内容过期，只能更新文档：{ $count }
preview-why-no-cause = 评价中没有可学习的信息：{ $count }
preview-why-few-people = 评价者不足三人，且没有团队成员：{ $count }
preview-doubt-new = { $people } 个新账号的评价只算一半。
preview-doubt-burst = { $people } 人在几分钟内评价了大量回答，只按少数几条计算。
preview-doubt-one-voice = { $people } 人总是对相同的回答给出相同的评价，按一人计算。
preview-doubt-disagrees = { $people } 人与几乎所有人的看法相反，其评价基本不予采信。
preview-outdated = 有 { $documents } 份文档被指内容过期；在聊天中用 `knowledge outdated` 查看。

# The request for a rating, under a few answers.
ask-rating = 这个回答对吗？点 👍 或 👎 能帮我学习；我很少这样问。

# Documents that were called out of date.
outdated-title = 有 { $documents } 份文档被指内容过期
outdated-people = { $people } 人
outdated-none = 没有文档被指内容过期。
outdated-how = 文档更新内容后重新导入，或您按下对应按钮，就会从此列表中移除。
outdated-settled = 《{ $title }》已从列表中移除。如果之后的回答又被指过期，它会再次出现。
outdated-which = 请用列表中的编号说明是哪一个：{ $settle }
outdated-settled-before = 该文档已不在列表中。
button-outdated = 内容过期
button-settle = ✓ { $number } 内容有效

# A corrected answer that is brought back.
untaught-again = 重新生效的回答：
