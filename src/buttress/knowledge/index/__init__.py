"""The index: what is stored of chunks, in LanceDB, and who may see a row.

Where you are: in knowledge/, under the search and under every sync.

Read in this order:
    visibility  a scope as a condition of the index, and as a function
    rows        what a row holds, and the schema
    table       one version of a knowledge base's rows: reading it, and making the next one
    tables      which table is a knowledge base's; making one, dropping one
    resident    vectors in memory, those of a tenant together
    products    cosines of vectors, without waking every core

Promises:
    - who reads sees one version, whatever is written meanwhile;
    - the scope is a condition of every reading, before anything is scored;
    - a filter costs no recall: what is nearest of the rows left is found.
"""
