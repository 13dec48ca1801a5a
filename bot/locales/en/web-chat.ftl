# The chat page.
web-chat = Chat
web-chat-skip = Skip to the message box
web-chat-side = Conversations and settings
web-chat-new = New chat
web-chat-talks = Your conversations
web-chat-notices = Notices
web-chat-untitled = Conversation
web-chat-language = Language
web-chat-automatic = Automatic
web-chat-theme = Colours
web-chat-light = Light
web-chat-dark = Dark
web-chat-dashboard = Dashboard
web-chat-log-out = Log out
web-chat-conversation = Conversation
web-chat-earlier = Show what was said earlier
web-chat-hello = Hello, I am { $name }. What would you like to know?
web-chat-about = I can help with { $topics }.
web-chat-about-documents = I answer from this team's documents and show where it stands.
web-chat-examples = Questions to begin with
web-chat-your-question = Your question
web-chat-send = Send
web-chat-add = Add documents
web-chat-add-sure = What this says becomes readable for everybody who asks me: {"{names}"}
web-chat-cancel = Cancel
web-chat-close = Close
web-chat-hint = Enter sends, Shift+Enter begins a new line. /help lists what else I can do.
web-chat-you = You:
web-chat-bot = Answer:
web-chat-thinking = The answer is being prepared …
web-chat-line = { $place ->
    [1] You are next in line.
    [2] You are second in line.
    [3] You are third in line.
   *[other] You are number { $place } in line.
}
web-chat-dropped = This was not answered.
web-chat-with-people = Passed on to the team. Their reply comes here.
web-chat-source = Source { $number }: { $title }
web-chat-good = Good answer
web-chat-bad = Not a good answer
web-chat-why = Why this answer?
web-chat-right-answer = What would have been the right answer?
web-chat-keep = The answer to “{ $question }” as it is to be kept:
web-chat-not-kept = What people wrote here is not kept any longer.
web-chat-offline = No connection. What you see may be old; I keep trying.
web-chat-too-long = Too long to be read in one piece: I read at most { $limit } characters. Please shorten it.
web-chat-unsent = That was not sent: there is no connection. Your text is still here; send it again.
web-chat-over = Begin again
web-chat-logged-out = You are logged out.
web-chat-forgotten = You are forgotten here. This page shows its last words; nothing of the conversation is left.
web-chat-cookies = This page needs a cookie, to know which conversation is yours. Allow cookies for it and load it again.
