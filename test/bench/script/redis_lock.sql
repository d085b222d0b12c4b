\set k random(1000000000000000, 1000000999999999)
SELECT acquired FROM quay.lease_acquire(:k, 'owner', 600);
