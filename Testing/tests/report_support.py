"""What the tests of reports share: the words of a page, words that no page may say, and names that try to break it."""

import re
from html.parser import HTMLParser

HOSTILE_NAMES = {
    "a script": "<script>document.title='taken'</script>",
    "quotes": "\"'>` onload=alert(1) <img src=x onerror=alert(1)>",
    "a template": "{{ 7 * 7 }}{% raw %}",
    "an end of style": "</style></title><b>bold</b>",
    "very long": "Z" * 4000,
    "other scripts": "肝臓 ‮ CT é \U0001f9e0",
}

#: Nothing that sounds as if a map or a mask had been judged sound; only the limits statement may name two of them.
FORBIDDEN = re.compile(r"\b(confiden\w*|certain\w*|trust\w*|correct\w*|diagnos\w*|reliab\w*|accura\w*|proof|proves?|probab\w*|benign|malignan\w*)\b", re.I)


class Text(HTMLParser):
    """The words of a page in their order, its tags, what it refers to, and handlers of events."""

    def __init__(self, html: str):
        super().__init__()
        self.words, self.tags, self.references, self.handlers, self._skipped, self._in_body = [], [], [], [], 0, False
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self._in_body |= tag == "body"
        self._skipped += tag in ("style", "script")
        self.references += [value for name, value in attributes if name in ("src", "href", "xlink:href", "srcset", "action", "data", "poster")]
        self.handlers += [name for name, _ in attributes if name.startswith("on")]
        self.words += [value for name, value in attributes if name in ("alt", "aria-label", "title")]

    def handle_endtag(self, tag):
        self._skipped -= tag in ("style", "script")

    def handle_data(self, data):
        if self._in_body and not self._skipped and data.strip():
            self.words.append(data.strip())
