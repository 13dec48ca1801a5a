# The dashboard's page of what nobody could answer.
questions-lead = What the bot could not answer, the most asked first. What you write here is an answer at once: the next time somebody asks so, it is given word for word.
questions-times = asked { $number } times
questions-also = Also put so:
questions-last = Last asked { $time }
questions-why = why there was no answer
questions-write = Write the answer
questions-answer = The answer
questions-at-once = It is given word for word to this question and to others that are nearly the same. You find it under “Written answers”.
questions-keep = Give this answer from now on
questions-drop = Drop
questions-drop-sure = { $number ->
    [one] Take this question off the list without an answer?
   *[other] Take these { $number } questions off the list without an answer?
}
questions-drop-yes = Yes, drop
questions-none = Every question has an answer, or was seen to.
questions-none-more = When the bot has to say that it does not know, the question comes here.
