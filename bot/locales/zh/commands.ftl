# 各命令的文字。command-NAME：菜单中的一行说明；usage-NAME：用法。
command-help = 我能做什么
command-ask = 提一个问题
command-why = 解释上一个回答的依据
command-sources = 查看上一个回答引用的原文
command-rate = 评价上一个回答
command-new = 开始新对话
command-language = 选择我使用的语言
command-privacy = 我保存了哪些数据
command-forget_me = 删除我的数据
command-human = 转人工
command-teach = 教我一个回答
command-unanswered = 未能回答的问题
command-report = 回答质量报告
command-ingest = 添加文档或网页
command-knowledge = 查看知识来源
command-status = 运行状态
command-grant = 授予角色
command-revoke = 撤销角色
command-audit = 操作记录
command-versions = 模型版本
command-retrain = 用新积累的样本训练
command-promote = 启用一个版本
command-rollback = 退回上一个版本
command-schedule = 训练时间安排
command-pause = 暂停训练
command-resume = 恢复训练
command-start = 打个招呼
command-cancel = 不再等待我的输入
command-claim = 用服务器上的验证码成为所有者
command-correction = 提供正确答案
command-curated = 回答一个未能回答的问题
command-kept = 保存修改后的答案
command-unteach = 撤回教过的答案

usage = 用法：{ $example }
usage-ask = `{ $command } 退款需要多久？`
usage-rate = `{ $command } up` 或 `{ $command } down out of date`
usage-human = `{ $command } 您想了解的内容`
usage-claim = `{ $command } ABCD-EFGH-JKMN`，验证码由服务器上的 `burnish owner-code` 显示
usage-teach = `{ $command } 问题 | 答案`
usage-unanswered = `{ $command } 2` 查看第二页
usage-report = `{ $command } 30` 指定天数，最多 365
usage-ingest = `{ $command } https://example.com/help`，或发送文档并在说明中写 `ingest`
usage-knowledge = `{ $command } documents`、`{ $command } outdated`、`{ $command } search 关键词` 或 `{ $command } remove 12`（编号，或标题的一部分）
usage-grant = 用 `{ $command } trainer` 回复对方的消息。在 Slack 中也可以用 `{ $command } @某人 trainer`；Telegram 不会告诉我 @某人 是谁。角色：`user`、`trainer`、`admin`
usage-revoke = `{ $command } @某人`，或回复对方的消息

command-unknown = 没有命令 { $name }。发送 { $help } 查看全部命令。
command-unknown-near = 没有命令 { $name }，您是想用 { $near } 吗？发送 { $help } 查看全部命令。
command-elsewhere = { $command } 只能在与我的私聊中使用。

# 帮助
help-welcome = 我是 **{ $name }**。请直接用您自己的话提问：我根据团队的文档回答，并注明来源。
help-about = 我了解：{ $topics }。
help-examples = 例如：
help-commands = 命令
help-team = 团队成员可用
new-conversation = 已开始新对话，我不会再参考之前的内容。
language-which = 您希望我使用哪种语言？
language-auto = 跟随我的消息
language-set = 今后我会用中文与您交流。
language-follows = 我会使用您消息的语言。
cancelled = 好的，我不再等待。
nothing-to-cancel = 目前没有在等待您的输入。

# 隐私
privacy-title = 我保存什么，为什么
privacy-what = 内容：您发给我的消息、我的回答及其来源、您的评价和更正、您在本平台的名称和编号，以及您选择的语言。
privacy-where = 位置：您团队自己服务器上的数据库，其中的文字和姓名均已加密。
privacy-model-here = 语言模型运行在同一台服务器上；除本聊天平台外，您的文字不会发往别处。
privacy-model-elsewhere = 语言模型运行在您团队选定的另一台服务器上，您的问题会发到那里生成回答。
privacy-who = 谁能看到：管理服务器的人。训练员和管理员能看到每个问题及其回答、评价和更正，但看不到姓名。管理员还能看到谁给我写过消息，以及我会从谁那里学习什么。
privacy-team = 当您请求人工帮助时，您的名称和对话内容会发到团队的频道。
privacy-long = 保存多久：直到您要求删除为止，不会自动删除。
privacy-erase = 删除全部数据：{ $command }
button-forget = 🗑 删除我的数据
forget-sure =
    我将删除与您有关的全部数据：消息 { $messages } 条、回答 { $answers } 条、评价 { $ratings } 条、更正 { $corrections } 条、人工请求 { $handoffs } 次。
    此操作无法撤销。{ $platform ->
        [web] 本页面上的内容也会随之清空。
       *[other] 聊天窗口里的内容仍会保留，请自行删除。
    }团队撰写或批准的答案属于团队，即使最初由您提出，也会保留。您的角色也会一并取消。
forget-audit = 您作为团队成员所做的操作仍会以您的平台编号保留在操作记录中。
forget-last-owner = 您是唯一的所有者：删除后将没有所有者，直到有人用 burnish owner-code 的新代码认领。
forget-others = 只有当事人本人才能执行此操作。
forgotten = 已删除：消息 { $messages } 条、回答 { $answers } 条、评价 { $ratings } 条、更正 { $corrections } 条、人工请求 { $handoffs } 次。我已不再保留您的任何资料。
button-erase = 是的，全部删除
button-keep-me = 不删除
button-cancel = 取消

# 关于回答
no-answer-yet = 还没有可供查看的回答，请先提问。
sources-none = 该回答没有引用来源。
rate-which = 上一个回答怎么样？
rated-up = 谢谢，已记录为好评。
rated-down = 谢谢，已记录为差评。
correction-of-nothing = 我已经不知道这是针对哪个回答的了。
button-approve-now = 立即生效

# 教学
taught-now = 已保存。今后有人问“{ $question }”，就会得到这个答案。
taught-instead = 它取代了之前的答案：
button-unteach = 撤回
untaught = 已撤回：“{ $question }”不再有教过的答案。
unteach-nothing = 那个答案已不存在。
curated-of-nothing = 我已经不知道这是回答哪个问题的了。
unanswered-none = 没有待处理的问题：所有问题都已回答或处理。
unanswered-title = { $groups } 个未能回答的问题
unanswered-gone = 那个问题已不存在。
unanswered-write = 请在 { $minutes } 分钟内直接发送答案，您在这里的下一条消息将作为答案。问题是：
unanswered-write-group = 请在消息中提及我，或回复这条消息。
unanswered-dropped = 已从列表中移除 { $questions } 个。
button-answer = ✍️ 回答 { $number }
button-drop = ✗ 忽略 { $number }
button-newer = ‹ 较新
button-older = 较早 ›

# 报告
report-title = 最近 { $days } 天
report-questions = 问题 { $questions } 个：已回答 { $answered }，未能回答 { $abstained }，转人工 { $handed }。
report-satisfaction = 满意度：{ $share }%（{ $rated } 次评价中有 { $up } 次 👍；95% 置信区间为 { $low }%–{ $high }%）。差评原因：
report-unrated = 还没有人评价过回答。
report-no-reason = 未说明原因
report-corrections = **等待您审核的更正**
button-month = 30 天
button-approve = ✓ 通过 { $number }
button-reject = ✗ 驳回 { $number }
correction-rejected = 已驳回。
correction-elsewhere = 错误的答案也写在 { $name } 中，请一并修改。
correction-decided-before = 已经有人处理过了。

# 知识
ingest-progress = 正在导入 …
ingested = 已导入：新增 { $added } 个，更新 { $changed } 个，未变 { $unchanged } 个；共 { $chunks } 个段落。
ingested-nothing = 没有内容可以导入。
ingest-stopped = 已停止。此前导入的内容会保留，每份文档都是完整的；再次执行该命令即可继续。
ingest-row = { $name }：{ $outcome ->
    [added] 新增
    [changed] 已更新
    [removed] 已移除
   *[unchanged] 未变
}，段落 { $chunks } 个
ingest-more-problems = ……另有 { $problems } 条提示。
ingest-older = 之前上传过同名文件；如果新文件取代了它，请将旧文件移除。
ingest-no-document = 我只能导入文档：Markdown、纯文本、HTML、PDF、DOCX，以及 CSV 或 JSONL 格式的问答。
ingest-too-large = { $name } 超过了 { $limit } MB。请拆分后再发送，或在服务器上调高上限。
ingest-not-fetched = 我无法从这里下载该文件，它可能超过了平台的大小限制或已不存在。请重新发送。
ingest-failed = 操作未成功：{ $reason }
knowledge-empty = 我还没有任何知识。可以这样添加：{ $command }
knowledge-collection = **{ $name }**：文档 { $documents } 个，段落 { $chunks } 个
knowledge-how = 查看检索结果：{ $command }
knowledge-search-words = search 关键词
knowledge-nothing = 没有找到。
knowledge-documents = 文档 { $documents } 个（第 { $page } 页，共 { $pages } 页；编号 · 标题 · 文件 · 段落数）
knowledge-remove-how = 移除文档：{ $command }
knowledge-remove-sure = 要移除“{ $title }”及其 { $chunks } 个段落吗？如果再次导入该文件，它会重新出现。
knowledge-removed = 已移除“{ $title }”。
knowledge-no-document = 没有这个文档。
knowledge-which = 有 { $documents } 份文档的名称与此相近，您指的是哪一份？
button-remove-number = 移除 { $number }
button-remove = 移除
button-remove-older = 移除旧文件（{ $number }）
button-documents = 文档列表
button-earlier = ‹ 上一页
button-later = 下一页 ›

# 角色
claim-owner-already = 您就是所有者。
claim-done = 您现在是所有者，验证码已失效。发送 { $help } 查看您可以做什么。
claim-wrong = 验证码不正确或已过期：每个验证码只能使用一次，有效期一小时。在服务器上运行 burnish owner-code 可生成新的验证码。
claim-too-many = 错误次数过多，请一小时后再试。
claim-burnt = 由于其他人可能已在这里看到验证码，它已失效。请在服务器上重新生成：burnish owner-code
granted = { $name } 现在的角色是{ $role }。
grant-too-high = 您只能授予低于自己的角色。所有者须通过服务器上的验证码获得：burnish owner-code
grant-above-you = 对方的角色不低于您，只有所有者才能更改。
grant-last-owner = 没有您就没有所有者了。请先让其他人通过服务器上的 burnish owner-code 成为所有者。
audit-title = 操作记录，最新的在前（UTC）
audit-empty = 还没有任何操作。

# 状态
status-title = 运行状态
status-day = 最近 24 小时：问题 { $questions } 个，已回答 { $answered } 个，未能回答 { $refused } 个。
status-ratings = 累计评价：👍 { $up }，👎 { $down }。
status-knowledge = 我根据 { $documents } 份文档（{ $chunks } 个段落）回答。
status-up = 已运行 { $hours } 小时 { $minutes } 分钟。
status-waiting = { $waiting ->
    [0] 没有人在等待回答。
   *[other] 有 { $waiting } 条消息在排队。
}
status-well = 没有需要处理的问题。
status-troubles = 值得留意（启动以来）
status-details = 启动以来的统计
versions-none = 还没有任何版本。
fact-messages = 启动以来的消息
fact-unreachable-readers = 无法送达的读者
fact-delayed-deliveries = 未能立即送达的回答
fact-delivered = 已送达的回答
fact-failures = 以致歉告终的问题
fact-repeated-events = 平台重复告知的消息
fact-slowed-down = 因单人发送过多而推迟的消息
fact-busy = 因排队过长而推迟的消息
fact-presses = 按钮点击
fact-ratings = 启动以来的评价
fact-refused = 被拒绝的命令
fact-commands = 命令
fact-unknown-commands = 未知命令
fact-encoder = 编码器
fact-intent = 意图分类器
fact-generator = 生成器

# 回答的类型与结果
kind-generated = 根据原文撰写
kind-quoted = 原文引用
kind-curated = 标准答案
kind-canned = 闲聊
kind-clarification = 反问确认
kind-refusal = 未知
kind-error = 出错
outcome-answered = 已回答
outcome-abstained = 未能回答
outcome-handed-off = 已转人工
