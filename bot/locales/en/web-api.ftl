# The API: its page. What the API itself says is for programs, and English.
web-api = API
web-api-script = The page needs scripts; the schema is here:
