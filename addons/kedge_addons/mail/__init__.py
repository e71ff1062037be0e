"""The service `mail`: an SMTP inbox for staging. What an app sends there goes nowhere else.

Here belong the inbox's plans and life, reading letters, and the pages to look at them; `inside/`
is what runs in the container beside the mailbox. Not here: sending mail to anybody.
"""
