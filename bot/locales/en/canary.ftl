# What is said of versions that are watched by people's ratings.
canary-original = what came with me
canary-watched = { $version } is being watched: 👍 in { $up } of { $total } ratings, against { $before } of { $of }. Nothing is decided yet.
canary-better = { $version } serves everybody now. Of those who tried it, { $up } of { $total } ratings were 👍, against { $before } of { $of } meanwhile with the version before: people like it better.
canary-kept = { $version } serves everybody now. { $total ->
    [0] Nobody rated it in its trial, and
   *[other] In its trial { $up } of { $total } ratings were 👍, against { $before } of { $of } with the version before: no clear difference, and
} it had proved better on the held-out questions.
canary-worse = { $version } is turned down, and { $serving } serves everybody again. In its trial only { $up } of { $total } ratings were 👍, against { $before } of { $of } with { $serving }: people like it less.
canary-doubted = { $version } is turned down, and { $serving } serves everybody again. When its trial was over, { $up } of { $total } ratings were 👍, against { $before } of { $of } with { $serving }: it is rather worse than not.
canary-silent = { $version } is turned down: its trial is over, and it has not answered a single question. { $serving } serves everybody again.
canary-fallen = { $version } is rolled back, and { $serving } serves again. Since it was promoted { $up } of { $total } ratings were 👍, against { $before } of { $of } before: people like it less.
