"""The embedded model: a small convolutional network that spots printed words on the image of a page.

It reads no characters (OCR): a word on the page and the same word in a query get similar vectors, as in Almazán et al.,
"Word Spotting and Recognition with Embedded Attributes", 2014.
"""
