"""What users are told, in their language: the catalogues, and which one a request is answered in.

A language is a file here, `<tag>.json`, but for English, which is in `libs/common/nodes/messages`.
"""
