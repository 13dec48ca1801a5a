# What programs that look after the bot are told.
metrics-key-needed = The metrics are for this machine; from elsewhere they need a key that allows "metrics": burnish keys create NAME --scope metrics
