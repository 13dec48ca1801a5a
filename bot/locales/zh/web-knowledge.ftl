# The dashboard's pages of documents and of written answers.
knowledge-search = 像机器人一样搜索
knowledge-sum = { $documents ->
    [0] 还没有文档。
   *[other] { $documents } 份文档，{ $chunks } 个段落。
}
knowledge-running = 正在导入：{ $names }
knowledge-upload = 文件
knowledge-upload-how = 可选择多个，或拖到这里。支持 Markdown、reStructuredText、纯文本、HTML、PDF、DOCX，以及含问题与答案的 CSV 或 JSONL。每个不超过 { $limit } MB。
knowledge-take-in = 导入
knowledge-address = 网址
knowledge-address-how = 每行一个。以前导入过的网页会重新读取。
knowledge-all = 全部
knowledge-outdated = 被指过时
knowledge-unused = { $days } 天未被使用
knowledge-old = 超过 { $days } 天
knowledge-find = 标题或文件
knowledge-title = 文档
knowledge-passages = 段落
knowledge-used = 用于回答（{ $days } 天）
knowledge-since = 导入时间
knowledge-called-old = { $people } 人指其过时
knowledge-is-old = 较旧
knowledge-none = 还没有文档。
knowledge-none-more = 在上方导入文件或网址，或在服务器上用 burnish ingest 导入整个文件夹。
knowledge-none-here = 没有这样的文档。很好。
knowledge-size = { $chunks } 个段落，{ $characters } 个字符
knowledge-taken-in = 导入于 { $time }
knowledge-used-in = 最近 { $days } 天用于 { $answers } 个回答
knowledge-asked = 人们指其过时时问的是：
outdated-how-web = 以新内容重新导入，或按此按钮，它就会从列表中消失。
knowledge-up-to-date = 内容没有过时
knowledge-remove = 删除
knowledge-remove-question = 删除“{ $title }”及其 { $chunks } 个段落吗？之后将无法据此回答。
knowledge-remove-yes = 是，删除
knowledge-word-for-word = 原文给出
knowledge-search-lead = 机器人针对一个问题找到的内容、它所依据的数字，以及它会如何回答。这里的一切都不会保存。
knowledge-question = 问题
knowledge-would = 它会怎样回答
knowledge-would-wait = 正在撰写回答……
knowledge-would-see = 查看
knowledge-no-words = 请先输入问题。
knowledge-taking-in = 导入
knowledge-reading = 正在读取
knowledge-stopping = 读完这份文档后停止
knowledge-progress = { $done } / { $total }
knowledge-look-again = 刷新
knowledge-stop = 停止
knowledge-done = { $documents ->
    [0] 没有可读取的内容。
   *[other] 已读取 { $documents } 份文档。
}
knowledge-became = 结果
knowledge-outcome = { $outcome ->
    [added] 新增
    [changed] 已更新
    [removed] 已删除
   *[unchanged] 未变化
}
knowledge-stopped = 已停止。此前导入的内容均完整保留。
knowledge-problems = 未能读取的内容与备注
knowledge-older = 较早的上传
knowledge-no-file = 请先选择文件。
knowledge-no-address = 请输入以 http:// 或 https:// 开头的网址，每行一个。
knowledge-ingest-gone = 这次导入的结果已无从查询。
curated-lead = 由人写下的答案。有人这样问或问得几乎一样时，会原文给出。
curated-new = 写一个答案
curated-both = 请填写问题和答案。
curated-in-file = 来自 { $name }
curated-hides = { $name } 中的答案仍保留在那里，但由这个答案取代。
curated-change = 修改
curated-remove = 撤回
curated-remove-sure = 撤回这个答案吗？若它取代了另一个答案，那个答案将重新生效。
curated-remove-yes = 是，撤回
curated-none = 还没有人写过答案。
curated-none-more = 在这里写一个，回答机器人未能回答的问题，或批准一条更正。
