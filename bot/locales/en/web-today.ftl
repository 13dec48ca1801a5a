# The dashboard's first page.
today-period = Period
today-1 = Today
today-7 = 7 days
today-30 = 30 days
today-questions = Questions
today-answered = Answered
today-abstained = Not answered
today-handed = Conversations given to people
today-rated = Answers that were rated
today-liked = Share of 👍
today-liked-of = { $up } of { $rated } ratings; likely { $low } to { $high } %
today-median = Half were answered within
today-slow = 95 % were answered within
today-of = { $part } of { $whole }
today-more = { $number } against before
today-same = as before
today-points = { $points } points against before
today-seconds = { $seconds } s
today-more-seconds = { $seconds } s against before
today-compared = Each figure is compared with the same time before: today with yesterday until this hour, days with as many days before. “Likely” is the 95 % interval (Wilson).
today-waits = Waiting for you
today-corrections = { $number ->
    [one] One correction to approve
   *[other] { $number } corrections to approve
}
today-unanswered = { $number ->
    [one] One question without an answer
   *[other] { $number } questions without an answer
}
today-candidates = { $number ->
    [one] One version waits for your decision: { $names }
   *[other] { $number } versions wait for your decision: { $names }
}
today-nothing-waits = Nothing waits for you.
today-per-day = Questions per day, the last { $days } days
today-share = Share of 👍, the last { $days } days
today-share-line = of the 7 days up to each day
today-share-band = where it likely lies (95 %)
today-as-table = As a table
today-day = Day
today-training = Training
