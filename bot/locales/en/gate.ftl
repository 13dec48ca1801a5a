# Why a new version may serve, or may not. Gains and shares are whole percent or points; the numbers come from the gate.

gate-attack = { $cases ->
    [one] An attack now succeeds that the version before withstood
   *[other] { $cases } attacks now succeed that the version before withstood
}; that cannot be made up for.
gate-broken = In the regression suite ({ $cases } cases) it breaks { $broken } and mends { $mended }.
gate-kept = { $cases ->
    [0] The regression suite was not asked.
   *[other] In the regression suite ({ $cases } cases) it breaks { $broken } and mends { $mended }.
}
gate-better = On { $questions } held-out questions its answers are worth { $gain } points more (95 %: { $low } to { $high }); better in { $sure } % of the resamples.
gate-likely = On { $questions } held-out questions its answers are worth { $gain } points more (95 %: { $low } to { $high }); better in { $sure } % of the resamples. That is likely, not sure: it is tried on a share of the conversations first.
gate-not-shown = On { $questions } held-out questions its answers are worth { $gain } points (95 %: { $low } to { $high }) against the version before; better in { $sure } % of the resamples, and { $needed_sure } % are needed.
gate-small = On { $questions } held-out questions its answers are worth { $gain } points more (95 %: { $low } to { $high }): too little for a change.
gate-worse = On { $questions } held-out questions its answers are worth { $gain } points (95 %: { $low } to { $high }) against the version before; better in only { $sure } % of the resamples.
gate-too-few = There are { $questions } held-out questions with ratings, and { $needed } are needed to decide by them: { $missing ->
    [one] one is missing
   *[other] { $missing } are missing
}.
gate-hint = The { $questions } that there are speak for it ({ $gain } points): it is tried on a share of the conversations first, and live ratings decide.
gate-no-worse = On { $questions } held-out questions its answers are worth { $gain } points against the version before. It takes the place of one that must go, for which it is enough to lose no more than { $margin } points.
gate-falls = On { $questions } held-out questions its answers are worth { $gain } points against the version before: it is not sure that no more than { $margin } points are lost.
gate-no-hint = The { $questions } that there are do not speak for it ({ $gain } points).
gate-nothing = There is no held-out question with a rating yet, so nothing shows that it is better.
gate-not-encoded = There are { $chunks } chunks of documents, and more than { $most } take too long to be encoded anew: the encoder was not tuned (learning.max_encoded_chunks).
