-- name: check_constraints
set constraints all immediate;

-- name: be_oneself
reset session authorization;
reset role;
