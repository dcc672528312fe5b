-- Page after page in hexadecimal, so that what a page's end cuts in two stands together again.
COPY (SELECT encode(data, 'hex') FROM pg_largeobject ORDER BY loid, pageno) TO STDOUT
