/**
 * Tool servers record what they refused and nothing else, so a call or an answer that one of them recorded is not one. By the object's name, which
 * its rights hold it to; what stands in a line is its own word.
 */
export const isBelieved = `(event = 'http_refusal' OR regexp_extract("$path", '[^/]+$') NOT LIKE 'tool%')`;
