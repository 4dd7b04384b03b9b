-- How the numbers of a book were read, when all were read alike: country and numbers_without_plus. The configuration may
-- say something else by now; then the keys have to be made anew.
ALTER TABLE directory ADD COLUMN reading TEXT;
