# The dashboard's pages of documents and of written answers.
knowledge-search = Search as the bot does
knowledge-sum = { $documents ->
    [0] No document yet.
    [one] One document; passages: { $chunks }.
   *[other] { $documents } documents; passages: { $chunks }.
}
knowledge-running = Being taken in: { $names }
knowledge-upload = Files
knowledge-upload-how = Choose several, or drop them here. Markdown, reStructuredText, text, HTML, PDF, DOCX; CSV or JSONL with question and answer. Up to { $limit } MB each.
knowledge-take-in = Take in
knowledge-address = Web addresses
knowledge-address-how = One a line. A page that was taken in before is read again.
knowledge-all = All
knowledge-outdated = Called out of date
knowledge-unused = Not used in { $days } days
knowledge-old = Older than { $days } days
knowledge-find = Title or file
knowledge-title = Document
knowledge-passages = Passages
knowledge-used = In answers ({ $days } days)
knowledge-since = Taken in
knowledge-called-old = { $people ->
    [one] called out of date by one person
   *[other] called out of date by { $people } people
}
knowledge-is-old = old
knowledge-none = There are no documents yet.
knowledge-none-more = Take in a file or a web address above, or a whole folder with burnish ingest on the server.
knowledge-none-here = No document is like that. Good.
knowledge-size = { $chunks ->
    [one] one passage, { $characters } characters
   *[other] { $chunks } passages, { $characters } characters
}
knowledge-taken-in = taken in { $time }
knowledge-used-in = { $answers ->
    [0] in no answer of the last { $days } days
    [one] in one answer of the last { $days } days
   *[other] in { $answers } answers of the last { $days } days
}
knowledge-asked = This was asked when people called it so:
outdated-how-web = It leaves the list when it is taken in with other content, or with this button.
knowledge-up-to-date = It is up to date
knowledge-remove = Remove
knowledge-remove-question = { $chunks ->
    [one] Remove “{ $title }” with its passage? Nothing can be answered from it then.
   *[other] Remove “{ $title }” with its { $chunks } passages? Nothing can be answered from it then.
}
knowledge-remove-yes = Yes, remove
knowledge-word-for-word = given word for word
knowledge-search-lead = What the bot finds for a question, with the numbers that it goes by, and what it would answer. Nothing of this is kept.
knowledge-question = Question
knowledge-would = What it would answer
knowledge-would-wait = The answer is being written …
knowledge-would-see = See it
knowledge-no-words = Give a question first.
knowledge-taking-in = Taking in
knowledge-reading = Reading
knowledge-stopping = Stopping after this document
knowledge-progress = { $done } of { $total }
knowledge-look-again = Look again
knowledge-stop = Stop
knowledge-done = { $documents ->
    [0] Nothing could be read.
    [one] One document was read.
   *[other] { $documents } documents were read.
}
knowledge-became = What became of it
knowledge-outcome = { $outcome ->
    [added] new
    [changed] changed
    [removed] removed
   *[unchanged] unchanged
}
knowledge-stopped = Stopped. What had been taken in by then stays, every document whole.
knowledge-problems = What was not read, and remarks
knowledge-older = Earlier uploads
knowledge-no-file = Choose a file first.
knowledge-no-address = Give web addresses that begin with http:// or https://, one a line.
knowledge-ingest-gone = Of this it is not known any more what came of it.
curated-lead = Answers that people wrote. They are given word for word when somebody asks so, or nearly so.
curated-new = Write an answer
curated-both = Give a question and an answer.
curated-in-file = From { $name }
curated-hides = The answer in { $name } stays there, and gives way to this one.
curated-change = Change
curated-remove = Take back
curated-remove-sure = Take this answer back? If it replaced another one, that is in force again.
curated-remove-yes = Yes, take back
curated-none = No answer was written yet.
curated-none-more = Write one here, answer a question that the bot could not, or approve a correction.
