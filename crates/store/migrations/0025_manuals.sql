-- What an API's document says of each of its operations beyond its line: parameters, payloads and answers, as a JSON text. A
-- request is a method and a path whose parameters have no names; a version is empty where the document names none. No node
-- loads them. An API that a program without this table deletes leaves its rows, so they do not refer to it.
CREATE TABLE api_manuals (
    api_id TEXT NOT NULL,
    request TEXT NOT NULL,
    version TEXT NOT NULL,
    manual TEXT NOT NULL,
    PRIMARY KEY (api_id, version, request)
);
