# 管理页面中关于人员、密钥、操作记录和设置的部分。
people-lead = 所有给机器人写过消息或可以登录的人。同时在聊天和浏览器中的人只算一次。
people-search = 姓名或编号
people-role = 角色
people-any-role = 任何角色
people-who = 对象
people-known = 已知人员
people-visitors = 开放页面的访客（{ $number }）
people-find = 显示
people-number = { $number } 人
people-new = 添加人员
people-new-name = 登录用的名称：字母、数字、点、短横线
people-new-how = 用于没有聊天平台的人；在 Slack 或 Telegram 中给机器人写过消息的人会自动出现在列表中。登录链接显示在下一页。密码在服务器上设置：burnish people password NAME。
people-add = 添加
people-no-name = 名称由字母、数字、点和短横线组成，以字母或数字开头，最长 40 个字符。
people-taken = 已经有名为 { $name } 的人。
people-name = 姓名
people-platform = 平台
people-id = 平台编号
people-last = 最近消息
people-questions = 提问
people-ratings = 评价
people-none = 没有符合的人。
people-nobody = 没有这个人。
people-language = 语言
people-language-auto = 跟随消息
people-audit = 此人以其角色做过的事
people-new-role = 新角色
people-change-role = 更改角色
people-roles = 训练员审核更正、撰写答案；管理员还负责文档、训练和人员；管理员由所有者授予。成为所有者需要服务器上的验证码：burnish owner-code。
people-door = 登录
people-door-what = 链接让此人以本人身份登录一次。密码在服务器上设置：burnish people password NAME。
people-make-link = 生成登录链接
people-link-made = 已生成 { $name } 的登录链接。只交给本人。链接只显示这一次，只能使用一次，{ $minutes } 分钟内有效。
people-log-out = 在所有地方登出
people-log-out-sure = { $name } 的所有浏览器都会登出，未使用的登录链接作废。
people-logged-out = { $name } 已在所有地方登出。
people-forget-title = 遗忘此人
people-forget-what = 应本人要求时使用；本人也可以用 /forget_me 自己完成。
people-forget-goes = 将被永久删除：消息 { $messages } 条、对这些消息的回答 { $answers } 条、评价 { $ratings } 条、更正 { $corrections } 条、人工请求 { $handoffs } 次，以及姓名、角色、密码和登录状态。从此人的评价学习过的版本会被替换。
people-forget-stays = 将会保留：团队撰写或批准的答案及其对应的问题，即使最初由此人提出（可在“人工答案”中撤回）；此人以其角色做过的事，以其编号保留在操作记录中；聊天平台上的内容；此前的备份。
people-forget = 遗忘……
people-forget-sure = { $name } 的上述数据删除后无法恢复。仅在本人要求时执行。
people-forget-yes = 永久删除
people-forgotten = 已删除：消息 { $messages } 条、回答 { $answers } 条、评价 { $ratings } 条、更正 { $corrections } 条、转交人工的问题 { $handoffs } 个。从此人学习过的版本已标记，将被替换。
people-above = 对方的角色不低于您，只有所有者才能这样做。
people-last-owner = 没有此人就没有所有者了。请先让其他人通过服务器上的 burnish owner-code 成为所有者。
keys-title = API 密钥
keys-lead = 程序凭密钥使用 API。密钥只在创建时显示一次；系统只保存其哈希值。
keys-made = 密钥“{ $name }”已创建。请现在复制：之后不再显示。
keys-name = 用途
keys-example = 例如：工单系统
keys-scopes = 权限
keys-a-minute = 每分钟请求数
keys-used = 最近使用
keys-revoke = 吊销
keys-revoke-sure = 使用“{ $name }”的程序从此会被拒绝。此操作无法撤销。
keys-revoked = 该密钥已失效。
keys-revoked-on = { $when } 吊销
keys-none-such = 没有这个有效的密钥。
keys-none = 还没有密钥。
keys-none-more = 请在下面为每个使用 API 的程序创建一个。
keys-new = 新密钥
keys-limit-label = 每分钟请求数（留空：{ $usual }）
keys-limit = 上限为 1 到 { $most } 的数字，或留空。
keys-create = 创建密钥
keys-incomplete = 密钥需要一个可显示的名称，以及至少一项权限。
scope-chat = 提问、列出模型、向量、评价和更正
scope-knowledge = 查看、添加和删除文档
scope-train = 查看、开始和停止训练
scope-metrics = 读取指标
audit-lead = 凭角色做过的事，以及想做而被拒绝的事。记录不能更改。
audit-who = 何人
audit-anybody = 任何人
audit-what = 何事
audit-anything = 任何操作
audit-since = 从
audit-until = 到
audit-refused-only = 只看被拒绝的
audit-refused = 被拒绝
audit-when = 何时
audit-where = 何处
audit-detail = 详情
# The name of what the log calls `kind`; `raw` is that word itself.
audit-did = { $kind ->
    [add-person] 添加人员
    [audit] 查看操作记录
    [claim] 成为所有者
    [correct] 更正回答
    [create-key] 创建 API 密钥
    [curated] 撰写答案
    [doctor] 检查配置
    [forget] 遗忘某人
    [grant] 授予角色
    [ingest] 导入文档
    [knowledge] 管理文档
    [login] 登录
    [login-link] 生成登录链接
    [log-out] 使某人登出
    [owner-code] 生成所有者代码
    [password] 设置密码
    [pause] 暂停学习
    [promote] 让版本投入服务
    [prune] 删除旧版本
    [rate] 评价回答
    [remove-document] 删除文档
    [report] 处理更正
    [resume] 继续学习
    [retrain] 训练
    [revoke] 收回角色
    [revoke-key] 吊销 API 密钥
    [rollback] 退回版本
    [schedule] 设定训练计划
    [status] 查看状态
    [teach] 撰写答案
    [unanswered] 处理未能回答的问题
    [unteach] 撤回人工答案
    [versions] 处理版本
   *[other] { $raw }
}
audit-none = 没有符合的记录。
audit-no-day = 日期格式如 2026-11-26。
settings-lead = 当前生效的设置。机密内容从不显示。
settings-doctor = 配置是否正常？
settings-doctor-what = 检查存储、文档、人员和各个聊天平台，与 `burnish doctor` 相同。
settings-doctor-run = 立即检查
check-well = 正常
check-mend = 需处理
check-note = 提示
settings-how = 如何更改
settings-file = 设置文件：
settings-no-file = （尚不存在：以下是默认值和环境变量的设置）
settings-change = 把要更改的写入该文件，再向程序发送 SIGHUP（`kill -HUP`，或重启服务）：程序会重新读取，若有错误则自动恢复原来的设置。环境变量 BURNISH_SECTION__KEY 优先于文件。`burnish config example` 会列出每项设置及其含义。
settings-changed = 与默认值不同的
settings-unchanged = 没有：一切都是默认值。
settings-default = 默认值：{ $value }
settings-all = 全部设置
origin-file = 来自文件
origin-environment = 来自环境变量
