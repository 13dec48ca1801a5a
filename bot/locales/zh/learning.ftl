# 机器人谈自己如何学习。
# 各部分的名称与命令中一致；每条消息里只解释一次。
task-intent = intent
task-retrieval = retrieval
task-generator = generator
task-named = { $task }（{ $gloss }）
task-gloss-intent = 识别消息说的是什么
task-gloss-retrieval = 找出能回答的段落，或判断没有答案
task-gloss-generator = 回答的措辞

usage-retrain = `{ $command }` 训练全部；`{ $command } intent`、`{ $command } retrieval` 或 `{ $command } generator` 只训练一部分；`{ $command } dry-run` 先看看会学到什么；`{ $command } cancel` 停止训练
usage-versions = `{ $command }`、`{ $command } show generator-3`、`{ $command } diff generator-2 generator-3` 或 `{ $command } keep-old generator-3`
usage-promote = `{ $command } generator-3`
usage-rollback = `{ $command } generator`；各部分为 `intent`、`retrieval` 和 `generator`
usage-schedule = `{ $command } off`、`{ $command } daily 03:00`、`{ $command } weekly sun 03:00` 或 `{ $command } after 50 ratings`

retrain-started = 第 { $run } 次训练已开始：{ $tasks }。其间聊天照常，进度会写在这里。停止训练：{ $cancel }
retrain-running = 已经有一次训练在进行。停止训练：{ $cancel }
retrain-paused = 学习已暂停。用 { $resume } 继续。
retrain-elsewhere = 这里无法训练：按目前的设置，它的模型在别处运行。
retrain-cancelling = 正在停止第 { $run } 次训练；现用的版本照常服务。
retrain-nothing-to-cancel = 目前没有训练在进行。
button-cancel-training = 停止训练

progress-load = 第 { $run } 次训练：正在加载模型……
progress-train = 第 { $run } 次训练 · { $task }：正在学习，{ $percent } %
progress-replay = 第 { $run } 次训练 · { $task }：正在用留出的问题检验，{ $percent } %
progress-draw = 第 { $run } 次训练 · { $task }：正在写报告……

run-done = **第 { $run } 次训练已完成**（{ $minutes } 分钟）
run-failed = **第 { $run } 次训练没有结果**：{ $reason }
run-cancelled = **第 { $run } 次训练已停止。**之前的版本照常服务。
run-interrupted = **第 { $run } 次训练被中断**，没有任何改动：{ $reason }
run-too-few = **{ $task }**：可学的太少。除去留作测试的，现有 { $have } 条样例，需要 { $need } 条，还差 { $missing } 条。有了更多评价和已通过的更正，样例就会增加。
run-nothing = **{ $task }**：不需要改动。试学了 { $examples } 条样例，对留出的问题都没有帮助，因此不增加新版本。
run-learned = **{ $task }**：从 { $people } 人的 { $examples } 条样例中学习。
run-active = 新版本更好：{ $version } 已开始服务。
run-canary = 新版本更好：{ $version } 先服务一部分对话，由实际评价来决定。
run-candidate = { $version } 更好，等您决定：用 `promote { $version }`，或按下面的按钮。
run-unfit = { $version } 无法投入使用：文件已损坏。之前的版本继续服务；服务器上的日志写明是哪个文件。
run-rejected = { $version } 没有表现得更好，不投入服务。
run-replaces = { $version } 现已上线，接替了曾从要求被遗忘的用户那里学习过的版本。
run-stale = { $version } 训练期间，有用户要求被遗忘，而它从该用户那里学习过；因此不会上线。
run-went = 原先上线的版本曾从要求被遗忘的用户那里学习过，已被删除；现在重新使用 { $version }。
run-went-first = 原先上线的版本曾从要求被遗忘的用户那里学习过，已被删除；现在重新使用程序自带的版本。
run-before = 之前
run-after = 之后
run-sample = { $when }：{ $answer }
outcome = { $task }：{ $outcome }
outcome-active = { $version } 上线
outcome-canary = { $version } 试用
outcome-candidate = { $version } 等待决定
outcome-rejected = { $version } 未采用
outcome-too-few = 可学的太少
outcome-nothing = 不需要改动
run-failed-part = **{ $task }**：{ $went }
run-examples = 例如（{ $task }）：
run-picture = 第 { $run } 次训练，{ $task }：学习过程和效果
button-promote-version = 启用 { $version }
button-keep-old = 保留旧版本
button-details = 详情

fix-live = 谢谢：您对“{ $question }”给出的答案已通过并生效，今后提问的人都会得到它。

versions-title = 版本
version-line = { $version } · { $stage } · { $made }
version-stale = 学习内容来自后来要求被忘记的人
stage-candidate = 候选
stage-canary = 试用：服务一部分对话
stage-active = 正在服务
stage-rejected = 未采用
stage-retired = 已退役
version-unknown = 没有这个版本。{ $versions } 会列出所有版本。
version-unfit = { $version } 无法使用：文件已损坏，或属于另一个模型。没有任何改动；服务器上的日志写明是哪个文件。用 { $versions } 查看其他版本。
version-from = 从 { $ratings } 个评价中学习，以 { $parent } 为基础，来自第 { $run } 次训练
version-parent-none = 自带的版本
version-forgotten = { $version } 曾从要求被遗忘的用户那里学习过，不会再上线。用 { $versions } 查看其他版本。
version-came-along = 它不是在这里训练出来的：要么是自带的，要么是手动添加的。
version-reason = 原因：{ $reason }
diff-title = { $first } 与 { $second }
diff-none = 它们的来历和报告相同。
promoted = { $version } 几秒内开始服务，不会中断。
promoted-before = { $version } 已经在服务。
kept-old-serves = { $version } 正在为所有人服务。要回到它之前的版本，请按下面的按钮。
kept-old = { $version } 不采用，之前的版本继续服务。
kept-old-before = { $version } 之前已经不采用，没有任何改动。
kept-old-retired = { $version } 现在没有服务，也不在等待决定，没有任何改动。
rolled-back = { $version } 重新开始服务。
rolled-back-to-first = 自带的版本重新开始服务。
rollback-which = 哪一部分要回到之前的版本？
rollback-nothing = 之前没有其他版本服务过，无法回退。

schedule-is = 自动训练：{ $plan }（{ $zone }）。
schedule-is-counted = 自动训练：{ $plan }，每隔几分钟检查一次。
schedule-off = 不自动训练；只有当用户要求被遗忘时例外。
schedule-words = { $kind ->
    [daily] 每天 { $time }
    [weekly] { $day ->
        [mon] 每周一
        [tue] 每周二
        [wed] 每周三
        [thu] 每周四
        [fri] 每周五
        [sat] 每周六
       *[sun] 每周日
    } { $time }
   *[after] 每满 { $count } 条评价
}
schedule-next = 下次检查：{ $time }。
schedule-quiet = { $quiet } 之间除外。
schedule-paused = 学习已暂停：用 { $resume } 继续。
schedule-set = 今后：{ $plan }（{ $zone }）。
schedule-set-counted = 今后：{ $plan }，只计能够学习的评价。
schedule-no-time = “{ $given }”不是一天中的时间：应在 00:00 到 23:59 之间。
schedule-no-day = “{ $given }”不是星期几：可用 mon、tue、wed、thu、fri、sat、sun。
schedule-no-count = “{ $given }”不是评价的数量：应在 1 到 { $most } 之间。
schedule-no-plan = “{ $given }”不是训练计划。
paused = 学习已暂停：在 { $resume } 之前不会训练。正在进行的训练不受影响。
resumed = 学习继续。
status-running = 第 { $run } 次训练正在进行。停止训练：{ $cancel }
status-canary = 正在一部分对话中试用：{ $version }。
