# The web: logging in, and what a request is told instead of an answer.
web-login = Log in
web-login-as = This link logs you in as { $name }.
web-login-how = Ask the bot for a link with /login in a direct chat, print one on the server with `burnish login`, or use your name and password.
web-login-link-over = This link was used before, or is older than 15 minutes. Ask for a new one with /login.
web-login-wrong = This name and password do not belong together.
web-login-slow-down = Too many tries. Wait a minute, then try again.
web-login-needed = Log in first.
web-name = Name
web-password = Password
web-forged = This came from an old page or from another site, so nothing was done. Load the page again and repeat it.
web-not-there = There is no such page.
web-too-large = That is too large.
web-failed = That did not work. Try again; if it goes on, ask whoever runs the bot to look into its log.
web-invalid = Something is missing or does not fit: { $fields }.
web-to-chat = To the chat
command-login = the page in your browser
usage-login = `{ $command }`
login-link = Open this link to log in to the page and the dashboard. It is yours alone, works once, and for 15 minutes:
    { $link }
login-link-user = Open this link to log in to the page. It is yours alone, works once, and for 15 minutes:
    { $link }
login-on-server = This address works on the server itself. For links that work elsewhere, whoever runs the bot sets `web.public_url`.
login-there = You are in the browser already.
login-local = `burnish login` prints a link.
