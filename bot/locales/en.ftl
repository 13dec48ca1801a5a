# What the bot says in its own words, in English.

refusal-topics = I don't know that: nothing in the documents that I was given answers it. I can help with { $topics }.
refusal = I don't know that: nothing in the documents that I was given answers it.
refusal-empty = I have no documents to answer from yet. An admin can add some: burnish ingest FOLDER
refusal-kept = Your question is kept for the team, so that somebody can write the answer.
out-of-scope = That is outside what I am here for. I can help with { $topics }.
out-of-scope-bare = That is outside what I am here for: I answer questions from this team's documents.
quoted = The documents say:
did-you-mean = Did you mean one of these?
too-long = Your message has { $characters } characters, and I read at most { $limit }. Please shorten it and send it again.
busy = I am answering many people at the moment. Please ask again in a minute.
error = Sorry, something went wrong on my side, and your question was kept. If it happens again, tell your admin the number { $number }.
human = I cannot pass you on to a person from here. Please ask your team directly; your message is kept for them.
help-topics-more = { $first } and { $last }
given-up = Sorry, I tried several times and could not answer this. Your question is kept for the team; asking it in other words may help.
