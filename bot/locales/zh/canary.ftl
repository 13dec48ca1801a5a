# 关于根据大家的评价来观察的版本。
canary-original = 自带的版本
canary-watched = 正在观察 { $version }：{ $total } 条评价中有 { $up } 条 👍，对照为 { $of } 条中的 { $before } 条。目前还没有结论。
canary-better = { $version } 现已面向所有人。试用期间它的 { $total } 条评价中有 { $up } 条 👍，同期旧版本是 { $of } 条中的 { $before } 条：大家更喜欢它。
canary-kept = { $version } 现已面向所有人。{ $total ->
    [0] 试用期间没有人评价它，
   *[other] 试用期间它的 { $total } 条评价中有 { $up } 条 👍，旧版本是 { $of } 条中的 { $before } 条：没有明显差别，
}而它此前在留出的问题上表现更好。
canary-worse = { $version } 已被否决，{ $serving } 重新面向所有人。试用期间它的 { $total } 条评价中只有 { $up } 条 👍，{ $serving } 是 { $of } 条中的 { $before } 条：大家不太喜欢它。
canary-doubted = { $version } 已被否决，{ $serving } 重新面向所有人。试用结束时它的 { $total } 条评价中有 { $up } 条 👍，{ $serving } 是 { $of } 条中的 { $before } 条：它多半更差。
canary-silent = { $version } 已被否决：试用已结束，而它一个问题也没有回答过。{ $serving } 重新面向所有人。
canary-fallen = 已撤回 { $version }，{ $serving } 重新提供服务。自启用以来它的 { $total } 条评价中有 { $up } 条 👍，此前是 { $of } 条中的 { $before } 条：大家不太喜欢它。
