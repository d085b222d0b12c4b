SELECT * FROM quay.log_list();
