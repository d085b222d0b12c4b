SELECT name FROM quay.tag_list('root', 'app', :after);
