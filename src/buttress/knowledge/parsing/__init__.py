"""From the bytes of a file to text, blocks, sections and pages.

Where you are: on the way of a document (source -> *parsing* -> chunking -> embedding -> index).

Read in this order:
    dispatch       one call for every format
    formats        which format a file is, by content first
    building       text, blocks and pages that agree by construction
    cleaning, decoding, titles, table_rows
    from_text, from_markdown, from_html, from_pdf, from_csv     one parser each; html_*, pdf_* are their parts
    ocr, tesseract, ocr_lines     words off the pictures that scanned pages are, as lines of a PDF
    archives, xml_parts, office     what DOCX, PPTX and EPUB files are made of; bombs end here
    from_docx, from_pptx, from_epub, from_eml     one parser each; docx_*, pptx_*, eml_* are their parts
    worker, frames, pool     the same call in processes of their own

Promises:
    - nothing that is not white space is outside a block, blocks do not overlap, pages partition the text;
    - a document is read whole or refused with one line that names it: no page is left out silently;
    - pages are those of the file (PDF, PPTX), or there are none; hidden and deleted text is left out;
    - nothing is fetched, nothing is written to a disk, no macro is run, no XML entity is expanded;
    - no program is started but the one that is named for scanned pages;
    - the same bytes give the same document;
    - whatever a file does to its parser, the caller gets an error for that file, and the next file is parsed.
"""
