# What would be learned (`/retrain dry-run`): examples and what is left out.
preview-sum = { $examples ->
    [0] There is nothing to learn from yet.
    [one] One example could be learned from, by { $people ->
        [one] one person
       *[other] { $people } people
    }.
   *[other] { $examples } examples could be learned from, by { $people ->
        [one] one person
       *[other] { $people } people
    }.
}
preview-intents = intent, what questions are about: { $count } ({ $kept } kept back to test with)
preview-links = retrieval, questions and passages: { $count } ({ $kept } kept back to test with)
preview-verdicts = retrieval, whether the documents tell: { $count } ({ $kept } kept back to test with)
preview-answers = generator, answers: { $count } ({ $kept } kept back to test with)
preview-would = A run now would train: { $tasks }.
preview-would-not = A run now would come to nothing.
preview-few = { $task }: too little; without repeats and those kept back (to test with, or to tell when to stop), { $have ->
    [one] one example is
   *[other] { $have } examples are
} there, { $need } are needed: { $missing ->
    [one] one is missing
   *[other] { $missing } are missing
}.
preview-says-intent = the intent is { $label }
preview-says-good-link = the passage is the right one
preview-says-bad-link = the passage is a wrong one
preview-says-liked = liked
preview-says-disliked = not liked
preview-says-better = a better answer was approved
preview-says-answerable = the documents tell
preview-says-unanswerable = the documents do not tell
preview-example = “{ $question }”: { $said }
preview-names = {" "}({ $names })
preview-left-out = { $answers ->
    [one] Left out: one answer
   *[other] Left out: { $answers } answers
}
preview-why-disputed = disputed: { $count }
preview-why-doubtful = rated by somebody who is hardly believed: { $count }
preview-why-corrected = liked, but another answer was approved: { $count }
preview-why-out-of-date = out of date, which only the document can mend: { $count }
preview-why-no-cause = nothing that can be learned was said: { $count }
preview-why-few-people = rated by fewer than three people, none of them of the team: { $count }
preview-doubt-new = { $people ->
    [one] One new account counts half.
   *[other] { $people } new accounts count half.
}
preview-doubt-burst = { $people ->
    [one] One person rated very many answers within minutes; that counts as a few.
   *[other] { $people } people rated very many answers within minutes; that counts as a few.
}
preview-doubt-one-voice = { $people } people rate the same answers the same way; they count as one.
preview-doubt-disagrees = { $people ->
    [one] One person contradicts nearly everybody and is hardly believed.
   *[other] { $people } people contradict nearly everybody and are hardly believed.
}
preview-outdated = { $documents ->
    [one] One document was called out of date; `knowledge outdated` in chat lists it.
   *[other] { $documents } documents were called out of date; `knowledge outdated` in chat lists them.
}

# The request for a rating, under a few answers.
ask-rating = Was this right? A 👍 or 👎 helps me learn; I ask rarely.

# Documents that were called out of date.
outdated-title = { $documents ->
    [one] One document was called out of date
   *[other] { $documents } documents were called out of date
}
outdated-people = { $people ->
    [one] one person
   *[other] { $people } people
}
outdated-none = No document is called out of date.
outdated-how = A document leaves this list when it is ingested with other content, or when you press its button.
outdated-settled = { $title } is off the list. What is said of later answers puts it on again.
outdated-which = Say which one by its number in the list: { $settle }
outdated-settled-before = That document is not on the list any more.
button-outdated = Out of date
button-settle = ✓ { $number } is up to date

# A corrected answer that is brought back.
untaught-again = In force again:
