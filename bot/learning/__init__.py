"""The learning loop: ratings in, a proven better version out."""
