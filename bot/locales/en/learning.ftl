# What the bot says of its own learning.
# The parts are called as in commands; what each is for is said once in a message.
task-intent = intent
task-retrieval = retrieval
task-generator = generator
task-named = { $task } ({ $gloss })
task-gloss-intent = what a message is about
task-gloss-retrieval = which passages answer it, and when none does
task-gloss-generator = how the answer is worded

usage-retrain = `{ $command }` trains everything; `{ $command } intent`, `{ $command } retrieval` or `{ $command } generator` one part; `{ $command } dry-run` shows what would be learned; `{ $command } cancel` stops it
usage-versions = `{ $command }`, `{ $command } show generator-3`, `{ $command } diff generator-2 generator-3` or `{ $command } keep-old generator-3`
usage-promote = `{ $command } generator-3`
usage-rollback = `{ $command } generator`; the parts are `intent`, `retrieval` and `generator`
usage-schedule = `{ $command } off`, `{ $command } daily 03:00`, `{ $command } weekly sun 03:00` or `{ $command } after 50 ratings`

retrain-started = Training { $run } has begun: { $tasks }. Chat goes on meanwhile, and I write here how far it is. To stop it: { $cancel }
retrain-running = A training run is going on already. To stop it: { $cancel }
retrain-paused = Learning is paused. { $resume } lets it go on.
retrain-elsewhere = That cannot be trained here: with these settings its model runs elsewhere.
retrain-cancelling = Training { $run } is being stopped; what serves goes on serving.
retrain-nothing-to-cancel = No training is going on.
button-cancel-training = Stop the training

progress-load = Training { $run }: loading the models …
progress-train = Training { $run } · { $task }: learning, { $percent } %
progress-replay = Training { $run } · { $task }: asking the held-out questions, { $percent } %
progress-draw = Training { $run } · { $task }: writing the report …

run-done = **Training { $run } is done** ({ $minutes } min)
run-failed = **Training { $run } came to nothing**: { $reason }
run-cancelled = **Training { $run } was stopped.** What served before goes on serving.
run-interrupted = **Training { $run } was interrupted**, and nothing was changed: { $reason }
run-too-few = **{ $task }**: too little to learn from. Without those kept back to test with, { $have ->
    [one] one example is
   *[other] { $have } examples are
} there, { $need } are needed: { $missing ->
    [one] one is missing
   *[other] { $missing } are missing
}. More ratings and approved corrections bring them.
run-nothing = **{ $task }**: nothing to change. { $examples } examples were tried, and nothing learned from them helped with questions that were left out; no version is added.
run-learned = **{ $task }**: learned from { $examples } examples of { $people } { $people ->
    [one] person
   *[other] people
}.
run-active = It proved better: { $version } serves now.
run-canary = It proved better: { $version } serves some of the conversations first, and live ratings decide.
run-candidate = { $version } proved better and waits for your word: `promote { $version }`, or the button.
run-unfit = { $version } could not take its place: its files are damaged. What served before serves on; the log on the server says which file.
run-rejected = { $version } did not prove better, and does not serve.
run-replaces = { $version } serves now, in the place of what had learned from somebody who had themselves forgotten.
run-stale = Somebody had themselves forgotten while { $version } learned from them; it does not serve.
run-went = What served had learned from somebody who had themselves forgotten, and is removed; { $version } serves again.
run-went-first = What served had learned from somebody who had themselves forgotten, and is removed; what came with me serves again.
run-before = before
run-after = after
run-sample = { $when }: { $answer }
outcome = { $task }: { $outcome }
outcome-active = { $version } serves
outcome-canary = { $version } is tried out
outcome-candidate = { $version } waits for a word
outcome-rejected = { $version } turned down
outcome-too-few = too little
outcome-nothing = nothing to change
run-failed-part = **{ $task }**: { $went }
run-examples = For instance ({ $task }):
run-picture = Training { $run }, { $task }: how it learned and what it brings
button-promote-version = Promote { $version }
button-keep-old = Keep the old one
button-details = Details

fix-live = Thank you: your answer to “{ $question }” was approved and is live. Whoever asks gets it from now on.

versions-title = Versions
version-line = { $version } · { $stage } · { $made }
version-stale = learned from somebody who was forgotten since
stage-candidate = candidate
stage-canary = canary: serves some of the conversations
stage-active = serves
stage-rejected = rejected
stage-retired = retired
version-unknown = There is no such version. { $versions } lists them.
version-unfit = { $version } cannot be used: its files are damaged, or it belongs to another model. Nothing was changed; the log on the server says which file. { $versions } lists the others.
version-from = Learned from { $ratings } ratings, on top of { $parent }, in training { $run }
version-parent-none = what came with me
version-forgotten = { $version } learned from somebody who had themselves forgotten, so it does not serve again. { $versions } lists the others.
version-came-along = No training run here made it: it came with me, or was added by hand.
version-reason = Why: { $reason }
diff-title = { $first } and { $second }
diff-none = Their origins and reports are the same.
promoted = { $version } serves from now on. It takes over within seconds, without a pause.
promoted-before = { $version } serves already.
kept-old-serves = { $version } serves everybody. To go back to the version before it, press below.
kept-old = { $version } is turned down; what served before serves on.
kept-old-before = { $version } was turned down before; nothing has changed.
kept-old-retired = { $version } does not serve, and waits for nothing; nothing has changed.
rolled-back = { $version } serves again.
rolled-back-to-first = What came with me serves again.
rollback-which = Which part shall go back to the version before?
rollback-nothing = No other version has served before, so there is nothing to go back to.

schedule-is = Training begins by itself: { $plan } ({ $zone }).
schedule-is-counted = Training begins by itself: { $plan }, looked at every few minutes.
schedule-off = No training begins by itself, but for one where somebody had themselves forgotten.
schedule-words = { $kind ->
    [daily] daily { $time }
    [weekly] weekly { $day } { $time }
   *[after] after { $count } ratings
}
schedule-next = Next look: { $time }.
schedule-quiet = Not between { $quiet }.
schedule-paused = Learning is paused: { $resume } lets it go on.
schedule-set = From now on: { $plan } ({ $zone }).
schedule-set-counted = From now on: { $plan }, of those that can be learned from.
schedule-no-time = “{ $given }” is no time of the day: it goes from 00:00 to 23:59.
schedule-no-day = “{ $given }” is no day: they are mon, tue, wed, thu, fri, sat and sun.
schedule-no-count = “{ $given }” is no number of ratings: it goes from 1 to { $most }.
schedule-no-plan = “{ $given }” is no plan.
paused = Learning is paused: nothing is trained until { $resume }. A run that goes on is not touched.
resumed = Learning goes on.
status-running = Training { $run } is going on. To stop it: { $cancel }
status-canary = Tried out on some of the conversations: { $version }.
