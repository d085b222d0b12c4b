-- The first line of the journal. Last of all, so that it knows how long the installation took; a restored dump brings older lines.

SELECT quay_internal.migration_record(NULL, '@VERSION@');
