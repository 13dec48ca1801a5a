# What the bot says only on Telegram, in English.

telegram-greeting = Hello! I answer questions from this team's documents. In this group I read only what is meant for me: mention @{ $username }, reply to one of my messages, or write /ask and your question.
