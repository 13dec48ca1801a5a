# The dashboard's pages about people, keys, the audit log and the settings.
people-lead = Everybody who wrote to the bot or can log in. Who is in chat and in the browser counts once.
people-search = Name or id
people-role = Role
people-any-role = any role
people-who = Who
people-known = known people
people-visitors = visitors of the open page ({ $number })
people-find = Show
people-number = { $number ->
    [one] One person
   *[other] { $number } people
}
people-new = Add somebody
people-new-name = Name to log in with: letters, digits, dots, dashes
people-new-how = For people without a chat platform; whoever writes to the bot in Slack or Telegram is in the list by that. A login link is shown on the next page. A password is given on the server: burnish people password NAME.
people-add = Add
people-no-name = A name has letters, digits, dots and dashes, begins with a letter or digit, and is 40 long at most.
people-taken = There is a { $name } already.
people-name = Name
people-platform = Platform
people-id = Id there
people-last = Last message
people-questions = Questions
people-ratings = Ratings
people-none = Nobody fits.
people-nobody = There is no such person.
people-language = Language
people-language-auto = that of their messages
people-audit = What they did with their role
people-new-role = New role
people-change-role = Change the role
people-roles = A trainer approves corrections and writes answers; an admin also takes care of documents, training and people; owners give admins their role. One becomes owner with a code from the server: burnish owner-code.
people-door = Logging in
people-door-what = A link logs this person in once, as themselves. A password is given on the server: burnish people password NAME.
people-make-link = Make a login link
people-link-made = Login link for { $name }. Give it to this person alone. It is shown this once, works once, and for { $minutes } minutes.
people-log-out = Log out everywhere
people-log-out-sure = All browsers of { $name } are logged out, and their open login links are void.
people-logged-out = { $name } is logged out everywhere.
people-forget-title = Forget this person
people-forget-what = For when they ask for it; they can do it themselves with /forget_me.
people-forget-goes = What goes for good: messages: { $messages }, answers to them: { $answers }, ratings: { $ratings }, corrections: { $corrections }, requests for a human: { $handoffs }; their name, role, password and logins. Versions that learned from their ratings are replaced.
people-forget-stays = What stays: answers that the team wrote or approved, even where this person proposed them, with the questions that they answer (take those back under “Written answers”); what this person did with a role, in the audit log, under their id; what stands on the chat platforms; backups made before.
people-forget = Forget …
people-forget-sure = What goes of { $name } cannot be brought back. Only do it if they asked for it.
people-forget-yes = Erase it for good
people-forgotten = Erased: messages: { $messages }, answers: { $answers }, ratings: { $ratings }, corrections: { $corrections }, requests for a human: { $handoffs }. Versions that learned from them are marked and will be replaced.
people-above = That person's role is not below yours; only an owner can do that.
people-last-owner = Without this person there would be no owner. Let somebody else become owner first, with burnish owner-code on the server.
keys-title = API keys
keys-lead = Programs use the API with a key. A key is shown once, when it is made; only its hash is kept.
keys-made = Key “{ $name }” is made. Copy it now: it is not shown again.
keys-name = What for
keys-example = such as: ticket system
keys-scopes = Allows
keys-a-minute = Requests a minute
keys-used = Last used
keys-revoke = Revoke
keys-revoke-sure = Whatever uses “{ $name }” is turned away from now on. This cannot be undone.
keys-revoked = The key opens nothing any more.
keys-revoked-on = revoked { $when }
keys-none-such = There is no such key that is in force.
keys-none = There are no keys yet.
keys-none-more = Make one below for each program that uses the API.
keys-new = New key
keys-limit-label = Requests a minute (empty: { $usual })
keys-limit = The limit is a number from 1 to { $most }, or empty.
keys-create = Create the key
keys-incomplete = A key needs a name that can be printed, and something that it allows.
scope-chat = ask, list models, embed, rate and correct
scope-knowledge = read, add and remove documents
scope-train = see, start and cancel training runs
scope-metrics = read the metrics
audit-lead = What was done with a role, and what somebody wanted and may not. Entries cannot be changed.
audit-who = Who
audit-anybody = anybody
audit-what = What
audit-anything = anything
audit-since = From
audit-until = To
audit-refused-only = only what was refused
audit-refused = refused
audit-when = When
audit-where = Where
audit-detail = More
# The name of what the log calls `kind`; `raw` is that word itself.
audit-did = { $kind ->
    [add-person] add a person
    [audit] read the audit log
    [claim] become owner
    [correct] correct an answer
    [create-key] make an API key
    [curated] write an answer
    [doctor] check the set-up
    [forget] forget a person
    [grant] give a role
    [ingest] take in documents
    [knowledge] look after documents
    [login] log in
    [login-link] make a login link
    [log-out] log somebody out
    [owner-code] make a code for an owner
    [password] set a password
    [pause] pause learning
    [promote] let a version serve
    [prune] remove old versions
    [rate] rate an answer
    [remove-document] remove a document
    [report] decide about a correction
    [resume] let learning go on
    [retrain] train
    [revoke] take a role back
    [revoke-key] revoke an API key
    [rollback] roll a version back
    [schedule] plan training
    [status] look at the state
    [teach] write an answer
    [unanswered] see to a question without an answer
    [unteach] take a written answer back
    [versions] decide about a version
   *[other] { $raw }
}
audit-none = No entry fits.
audit-no-day = A day is given such as 2026-11-26.
settings-lead = What is in force now. Secrets are never shown.
settings-doctor = Is the set-up sound?
settings-doctor-what = Looks at the store, the documents, the people and each chat platform, as `burnish doctor` does.
settings-doctor-run = Check now
check-well = well
check-mend = mend
check-note = note
settings-how = How to change them
settings-file = The settings file is
settings-no-file = (not there yet: these are the defaults, and what the environment sets)
settings-change = Write what you change into this file and send the program SIGHUP (`kill -HUP`, or restart the service): it reads the file again, and goes back by itself if something in it is wrong. BURNISH_SECTION__KEY in the environment overrides the file. `burnish config example` prints every setting with its meaning.
settings-changed = Different from the default
settings-unchanged = Nothing: everything is as it came.
settings-default = default: { $value }
settings-all = All settings
origin-file = from the file
origin-environment = from the environment
