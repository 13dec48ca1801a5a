# What the commands say. command-NAME: one line for menus; usage-NAME: how it is given.
command-help = What I can do
command-ask = Ask a question
command-why = Why the last answer is as it is
command-sources = The passages behind the last answer
command-rate = Rate the last answer
command-new = Begin a new conversation
command-language = Choose the language I speak
command-privacy = What I store about you
command-forget_me = Erase what I know about you
command-human = Ask a human
command-teach = Teach me an answer
command-unanswered = Questions I could not answer
command-report = How the answers are doing
command-ingest = Add a document or a web page
command-knowledge = What I know from
command-status = How I am doing
command-grant = Give somebody a role
command-revoke = Take somebody's role away
command-audit = Who did what
command-versions = Versions of my models
command-retrain = Train on what was learnt
command-promote = Put a version in service
command-rollback = Go back to the version before
command-schedule = When to train
command-pause = Stop training
command-resume = Go on training
command-start = Say hello
command-cancel = Wait no more for my text
command-claim = Become owner with the server's code
command-correction = Give the right answer
command-curated = Answer an unanswered question
command-kept = Keep a changed answer
command-unteach = Take a taught answer back

usage = Like this: { $example }
usage-ask = `{ $command } how long does a refund take?`
usage-rate = `{ $command } up` or `{ $command } down out of date`
usage-human = `{ $command } what you want to know`
usage-claim = `{ $command } ABCD-EFGH-JKMN`, with the code that `burnish owner-code` prints on the server
usage-teach = `{ $command } question | answer`
usage-unanswered = `{ $command } 2` for the second page
usage-report = `{ $command } 30` for so many days, up to 365
usage-ingest = `{ $command } https://example.com/help`, or send a document with the word `ingest` as its caption
usage-knowledge = `{ $command } documents`, `{ $command } outdated`, `{ $command } search words` or `{ $command } remove 12` (a number, or a part of the title)
usage-grant = Reply to a message of that person with `{ $command } trainer`. In Slack `{ $command } @person trainer` works too; Telegram does not tell me who @person is. Roles: `user`, `trainer`, `admin`
usage-revoke = `{ $command } @person`, or reply to a message of that person

command-unknown = There is no command { $name }. { $help } lists them.
command-unknown-near = There is no command { $name }; did you mean { $near }? { $help } lists them.
command-elsewhere = { $command } works only in a direct chat with me.

# Help.
help-welcome = I am **{ $name }**. Ask me in your own words: I answer from the team's documents and name my sources.
help-about = I know about { $topics }.
help-examples = For instance:
help-commands = Commands
help-team = For the team
new-conversation = A new conversation: I no longer refer to what was said before.
language-which = Which language shall I speak to you?
language-auto = Like my messages
language-set = From now on I speak English to you.
language-follows = I speak the language of your messages.
cancelled = Never mind, I wait for it no longer.
nothing-to-cancel = I was not waiting for anything.

# Privacy.
privacy-title = What I store, and why
privacy-what = What: your messages to me and my answers with their sources, your ratings and corrections, your name and your id on this platform, and the language you chose.
privacy-where = Where: in a database on your team's own server. Texts and names are encrypted there.
privacy-model-here = The language model runs on the same server; apart from this chat platform itself, your texts go nowhere else.
privacy-model-elsewhere = The language model runs on another server that your team has chosen; your questions go there to be answered.
privacy-who = Who can read it: whoever runs the server. Trainers and admins read every question with its answer, its ratings and its corrections, without names. Admins also see who writes to me, and whom I would learn something from.
privacy-team = When you ask for a human, your name and the conversation go to the team's channel.
privacy-long = How long: until you have it erased. Nothing is erased by itself.
privacy-erase = To erase it all: { $command }
button-forget = 🗑 Forget me
forget-sure =
    I would erase everything that I keep of you: messages: { $messages }, answers: { $answers }, ratings: { $ratings }, corrections: { $corrections }, requests for a human: { $handoffs }.
    This cannot be undone. { $platform ->
        [web] This page is emptied with it.
       *[other] What stands in this chat stays; delete it here yourself.
    } Answers that the team wrote or approved stay as its own, even where you proposed them. Your role goes too.
forget-audit = What you did as one of the team stays in the audit log, under your platform id.
forget-last-owner = You are the only owner: after that nobody is one, until somebody claims a new code from burnish owner-code.
forget-others = Only the person whom this is about can do that.
forgotten = Erased: messages: { $messages }, answers: { $answers }, ratings: { $ratings }, corrections: { $corrections }, requests for a human: { $handoffs }. I know you no more.
button-erase = Yes, erase it all
button-keep-me = No
button-cancel = Cancel

# About answers.
no-answer-yet = There is no answer yet to speak of; ask something first.
sources-none = That answer has no sources.
rate-which = How was the last answer?
rated-up = Thank you, noted as good.
rated-down = Thank you, noted as not good.
correction-of-nothing = I no longer know which answer this is about.
button-approve-now = Put it in force now

# Teaching.
taught-now = Kept. Whoever asks “{ $question }” gets this answer from now on.
taught-instead = It replaces the answer that was there before:
button-unteach = Take it back
untaught = Taken back: “{ $question }” has no taught answer any more.
unteach-nothing = That answer is not there any more.
curated-of-nothing = I no longer know which question this answers.
unanswered-none = Nothing waits: every question has been answered or seen to.
unanswered-title = { $groups } { $groups ->
    [one] question
   *[other] questions
} without an answer
unanswered-gone = That question is not there any more.
unanswered-write = Write the answer as your next message here, within { $minutes } minutes. The question:
unanswered-write-group = Mention me in it, or reply to this message.
unanswered-dropped = Off the list: { $questions }.
button-answer = ✍️ Answer { $number }
button-drop = ✗ Drop { $number }
button-newer = ‹ Newer
button-older = Older ›

# Report.
report-title = The last { $days } days
report-questions = Questions: { $questions }; answered { $answered }, not answered { $abstained }, handed to people { $handed }.
report-satisfaction = Satisfaction: { $share } % ({ $up } of { $rated } ratings are 👍; between { $low } and { $high } % with 95 % confidence). Complaints by reason:
report-unrated = Nobody rated an answer.
report-no-reason = Without a reason
report-corrections = **Corrections that wait for you**
button-month = 30 days
button-approve = ✓ Approve { $number }
button-reject = ✗ Reject { $number }
correction-rejected = Rejected.
correction-elsewhere = The wrong answer also stands in { $name }; change it there, too.
correction-decided-before = Somebody has decided about that already.

# Knowledge.
ingest-progress = Taking it in …
ingested = Taken in: { $added } new, { $changed } changed, { $unchanged } unchanged; { $chunks } passages.
ingested-nothing = Nothing could be taken in.
ingest-stopped = Stopped. What had been taken in by then stays, every document whole; give the command again to go on.
ingest-row = { $name }: { $outcome ->
    [added] new
    [changed] changed
    [removed] removed
   *[unchanged] unchanged
}, passages: { $chunks }
ingest-more-problems = … and { $problems } more remarks.
ingest-older = An earlier upload has the same name; remove it if this one replaces it.
ingest-no-document = I can take in documents only: Markdown, text, HTML, PDF, DOCX, and questions and answers as CSV or JSONL.
ingest-too-large = { $name } is larger than { $limit } MB. Split it, or have the limit raised on the server.
ingest-not-fetched = I could not download the file from here; it may be too large for the platform, or gone. Please send it again.
ingest-failed = That did not work: { $reason }
knowledge-empty = I know nothing yet. Add something: { $command }
knowledge-collection = **{ $name }**: documents: { $documents }, passages: { $chunks }
knowledge-how = To see what I find: { $command }
knowledge-search-words = search WORDS
knowledge-nothing = Nothing found.
knowledge-documents = Documents: { $documents } (page { $page } of { $pages }; number · title · file · passages)
knowledge-remove-how = To remove one: { $command }
knowledge-remove-sure = Remove “{ $title }” with its { $chunks } passages? It comes back when its file is taken in again.
knowledge-removed = Removed: “{ $title }”.
knowledge-no-document = There is no such document.
knowledge-which = { $documents } documents are called something like that. Which one?
button-remove-number = Remove { $number }
button-remove = Remove
button-remove-older = Remove the earlier one ({ $number })
button-documents = Documents
button-earlier = ‹ Back
button-later = Next ›

# Roles.
claim-owner-already = You are the owner.
claim-done = You are the owner now, and the code is used up. { $help } shows what you can do.
claim-wrong = That is not the code, or it has expired: a code works once and for an hour. burnish owner-code on the server makes a new one.
claim-too-many = Too many wrong codes. Please wait an hour.
claim-burnt = Since others may have read the code here, it does not work any more. Make a new one on the server: burnish owner-code
granted = { $name } has the role { $role } now.
grant-too-high = You can only give roles below your own. One becomes owner with a code from the server: burnish owner-code
grant-above-you = That person's role is not below yours; only an owner can change it.
grant-last-owner = Without you there would be no owner. Let somebody else become owner first, with burnish owner-code on the server.
audit-title = Who did what, newest first (UTC)
audit-empty = Nothing has been done yet.

# Status.
status-title = Status
status-day = In the last 24 hours: { $questions } { $questions ->
    [one] question
   *[other] questions
}, { $answered } answered, { $refused } not.
status-ratings = Ratings in all: { $up } 👍, { $down } 👎.
status-knowledge = I answer from { $documents } { $documents ->
    [one] document
   *[other] documents
}, cut into { $chunks } passages.
status-up = I have been running for { $hours } h { $minutes } min.
status-waiting = { $waiting ->
    [0] Nobody waits for an answer.
    [one] One message waits for its turn.
   *[other] { $waiting } messages wait for their turn.
}
status-well = Nothing needs a look.
status-troubles = Worth a look, since the start
status-details = Counted since the start
versions-none = There are no versions yet.
fact-messages = Messages since the start
fact-unreachable-readers = Readers who could not be reached
fact-delayed-deliveries = Answers that could not be delivered at once
fact-delivered = Answers delivered
fact-failures = Questions that ended in an apology
fact-repeated-events = Messages that a platform told twice
fact-slowed-down = Messages put off because one person sent too many
fact-busy = Messages put off because too many waited
fact-presses = Buttons pressed
fact-ratings = Ratings since the start
fact-refused = Commands refused
fact-commands = Commands
fact-unknown-commands = Unknown commands
fact-encoder = Encoder
fact-intent = Intent classifier
fact-generator = Generator

# How an answer came about.
kind-generated = written from the passages
kind-quoted = quoted word for word
kind-curated = curated answer
kind-canned = small talk
kind-clarification = asked back
kind-refusal = not known
kind-error = failed
outcome-answered = answered
outcome-abstained = not answered
outcome-handed-off = handed to people
