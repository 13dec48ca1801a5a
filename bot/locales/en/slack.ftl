# What only Slack shows.

slack-working = is looking for the answer …
slack-submit = Send
slack-close = Cancel
slack-correct-title = The right answer
slack-correct-label = What would have been the right answer?
slack-keep-title = Add to knowledge
slack-keep-question = Question
slack-keep-answer = Answer
slack-home-hello = Ask me anything about your team's documents: here under Messages, or by a mention in a channel that I was invited to. “help” shows what else I can do.
slack-home-language = The language in which I speak to you
slack-language-auto = As I write
slack-language-en = English
slack-language-zh = 简体中文
slack-prompts-title = What would you like to know?
slack-prompt-help = What can you do?
slack-prompt-privacy = What do you keep about me?

# The App Home's lines for admins.
home-answers = { $questions } questions in the last 7 days, { $answered } answered
home-ratings = Ratings so far: 👍 { $up }  👎 { $down }
home-documents = Documents: { $documents }
home-version = Serving: { $version }
