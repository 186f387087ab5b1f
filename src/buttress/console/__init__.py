"""Console: the pages people see. What a page is made of, and nothing about HTTP.

Read in this order:
    demo      the page at `/`: features, prepared questions, the template filled in
    excerpts  a cited place in its document, ready to be shown: pure
    document  that as a page of its own, which a citation's link opens
    drills    breaking things for real, for somebody who watches
    assets/   one module, one style sheet, one sign; templates/ a template for each page

Promises:
    - nothing is loaded from elsewhere, and nothing stands inline: `POLICY` forbids both to the browser;
    - text of documents, users and models is put on the page as text, never as markup.
"""
