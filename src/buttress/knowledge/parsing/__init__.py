"""From the bytes of a file to text, blocks, sections and pages.

Where you are: on the way of a document (source -> *parsing* -> chunking -> embedding -> index).

Read in this order:
    dispatch       one call for every format
    formats        which format a file is, by content first
    building       text, blocks and pages that agree by construction
    cleaning, decoding, titles
    from_text, from_markdown, from_html, from_pdf     one parser each; html_*, pdf_* are their parts
    worker, frames, pool     the same call in processes of their own

Promises:
    - nothing that is not white space is outside a block, blocks do not overlap, pages partition the text;
    - a document is read whole or refused with one line that names it: no page is left out silently;
    - the same bytes give the same document;
    - whatever a file does to its parser, the caller gets an error for that file, and the next file is parsed.
"""
