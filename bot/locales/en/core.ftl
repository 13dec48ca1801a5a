# What the bot says in its own words, in English.

refusal-topics = I don't know that: nothing in the documents that I was given answers it. I can help with { $topics }.
refusal-pages = I don't know that: nothing in the documents that I was given answers it. { $count ->
    [one] The page that comes nearest is
   *[other] The pages that come nearest are
} { $pages }.
refusal = I don't know that: nothing in the documents that I was given answers it.
refusal-empty = I have no documents to answer from yet. An admin can add some: burnish ingest FOLDER
refusal-kept = Your question is kept for the team, so that somebody can write the answer.
out-of-scope-topics = That is outside what I am here for. I can help with { $topics }.
out-of-scope-pages = That is outside what I am here for. I answer questions from this team's documents, about { $pages } for instance.
out-of-scope = That is outside what I am here for: I answer questions from this team's documents.
quoted = The documents say:
did-you-mean = Did you mean one of these?
too-long = Your message has { $characters } characters, and I read at most { $limit }. Please shorten it and send it again.
busy = I am answering many people at the moment. Please ask again in a minute.
error = Sorry, something went wrong on my side, and your question was kept. If it happens again, tell your admin the number { $number }.
human = I cannot pass you on to a person from here. Please ask your team directly.
page = “{ $title }”
listed = { $first } and { $last }
listed-comma = {", "}
given-up = Sorry, I tried several times and could not answer this. Your question is kept for the team; asking it in other words may help.

# Answers and their buttons.
sources = Sources
button-human = 🙋 Ask a human
button-again = ↻ Another answer
button-try-again = ↻ Try again
button-back = ‹ Back
button-correct = ✍️ Give the right answer
button-refused-rightly = That is right
button-refused-wrongly = The documents do tell
button-resolve = ✓ Resolved
button-keep = 📌 Keep as a curated answer
button-stop = ✋ Stop
stopping = It stops after the document in hand.
button-change = ✍️ Change it first
keep-write = Write the answer to “{ $question }” as it is to be kept; your next message here is taken for it. What was said:
asked = **{ $name }** asks:
aside = I have sent you that in our direct chat, since it shows what people asked.
aside-not-reached = That shows what people asked, so it is for you alone, and I cannot write to you: open a direct chat with me first (in Telegram, press Start), then ask again.
button-unknown = This button belongs to something that is not there any more.
reason-wrong-topic = Wrong topic
reason-wrong-source = Wrong source
reason-bad-wording = Bad wording
reason-out-of-date = Out of date
reason-other = Something else
ask-reason = What was wrong with it?
thanks = Thank you!
thanks-reason = Thank you, noted. Do you know the right answer?
thanks-correction = Thank you. Your answer is kept for an admin to approve.
ask-correction = What would have been the right answer? Your next message here is taken for it.
looking-again = Looking for another answer …
no-other-answer = I looked for another answer and found none in the documents.
slow-down = That is a lot of questions in one minute. Please wait a minute and send it again then.
slow-down-press = That is a lot in one minute. Please wait a minute and press it again then.
cannot-hear = I cannot listen to voice messages yet. Please write your question.
cannot-see = I cannot look at pictures yet. Please describe in words what you see and what you want to know.
cannot-read = I cannot read files that are sent to me here. Please ask your question in words. (An admin who sends a document with the word ingest as its caption adds it to what I know.)

# People.
handed-off = I have passed this on to the team. Whoever answers writes here, and I stay silent until they are done.
handoff-question = 🙋 { $name } asks for a human:
handoff-history = Earlier in this conversation:
handoff-asked = Asked:
handoff-answered = Burnish:
handoff-how = Reply to this message; your replies go to the asker. Press the button when it is settled.
handed-off-alone = I have passed this on to the team. Their answer comes to you in our direct chat, where nobody else reads it.
handoff-alone = You asked the team this. Their answer comes here, and what you write here goes to them until they are done:
handoff-added = Passed on to the team:
handoff-resolved = The team has closed this question. From here on I answer again.
handoff-resolved-of = { $asker }: the team has closed your question. From here on I answer you again.
relay-to = **{ $name }** to **{ $asker }**:
resolved = Closed; the bot answers there again.
resolved-before = This was closed before.
taught-pair = Whoever asks “{ $question }” gets this from now on: { $answer }
taught = Kept. The next one who asks this gets this answer.
not-allowed = That needs the role { $role }. An admin can give it to you.
role-user = user
role-trainer = trainer
role-admin = admin
role-owner = owner
relay-files = With it came { $names }. Files cannot be passed on; look in the chat itself, or ask for the words.
taught-in-chat = an answer of the team
