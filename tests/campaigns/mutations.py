"""The ways in which mutants.py breaks the program: edits of (path, text that stands once in it, new text)."""

RANDOM = "random_histories and not beside"


class Mutation:
    def __init__(self, name, what, *edits, tests=RANDOM, seeds=40):
        self.name, self.what, self.edits, self.tests, self.seeds = name, what, edits, tests, seeds


MUTATIONS = [
    Mutation("zero_rows_is_success", "a row that no statement found counts as pushed",
             ("daemon/sync/push_part.c", "return push_decide(context, &attempt->missed, err);", "return OK;")),
    Mutation("later_entries_deleted", "the outbox loses entries that came after the push was filled",
             ("lib/store/push_record.c", "outbox_delete_through(db, push->through, err)",
              "outbox_delete_through(db, push->through + 1000, err)")),
    Mutation("ledger_ignored", "a push whose answer was lost is pushed again, whatever the ledger says",
             ("daemon/sync/push.c", "if (fate == PUSH_ARRIVED)", "if (fate == PUSH_ARRIVED && push->db == NULL)"),
             ("daemon/sync/push_ledger.sql", "and last_push is not distinct from $3::uuid",
              "and (last_push is not distinct from $3::uuid or true)"), tests="exactly_once and lost_after"),
    Mutation("in_flight_is_finished", "a push whose answer was lost counts as arrived, whatever the ledger says",
             ("daemon/sync/push.c", "if (fate == PUSH_ARRIVED)", "if (fate == PUSH_ARRIVED || push->db)")),
    Mutation("recorded_after_commit", "COMMIT is sent before the cache knows of the push",
             ("daemon/sync/push.c", "        push_file(&filing, out_summary, err) == FAILED) {",
              "        commit(attempt, err) == FAILED) {"),
             ("daemon/sync/push.c", "    return commit(attempt, err);\n}",
              "    return push_file(&filing, out_summary, err);\n}")),
    Mutation("outcomes_lost_in_a_crash", "what a push set aside is forgotten when its answer was lost",
             ("daemon/sync/push.c", "    if (fate == PUSH_ARRIVED)\n",
              "    if (fate == PUSH_ARRIVED && push_record_forget(push->db, in_flight, false, err) == OK)\n")),
    Mutation("conflicts_not_filed", "what lost is kept nowhere",
             ("lib/store/push_outcomes.c", "if (!statement_column_is_null(row, 3)) {",
              "if (!statement_column_is_null(row, 3) && !row) {")),
    Mutation("conflicts_not_read_again", "the cache keeps the value that lost",
             ("lib/store/push_outcomes.c", "    return push_record_add_refetch(outcomes->db, statement_column_text(row, 1),",
              "    if (row)\n        return OK;\n    return push_record_add_refetch(outcomes->db, statement_column_text(row, 1),"),
             tests="conflict_matrix and pull_first"),
    Mutation("refused_rows_not_read_again", "the cache keeps what the primary refused",
             ("daemon/sync/push_filing.c", "        push_record_add_refetch(filing->db, change.table, change.row_key, err) == FAILED)",
              "        (!row.rejected_id && push_record_add_refetch(filing->db, change.table, change.row_key, err) == FAILED))"),
             tests="one_bad_row and bad_update"),
    Mutation("clean_rows_not_read_again", "an edit that was taken back hides what came meanwhile",
             ("daemon/sync/push_filing.c", "        file_clean(filing, &summary->refetched, err) == FAILED ||\n", ""), seeds=60),
    Mutation("refused_entries_stay", "later edits of a refused row stay in the outbox",
             ("lib/store/push_record.c", "    if (take_rejected(db, tables, push->push_id, err) == FAILED ||\n        ", "    if ("),
             tests="one_bad_row and being_refused"),
    Mutation("every_captured_column_is_dirty", "an edit that was taken back is pushed",
             ("lib/model/pending_change.c", "           !is_same(&base, now);", "           !is_same(&base, now) || table;"), seeds=60),
    Mutation("pull_overwrites_local_changes", "rows that arrive do not look for pending changes",
             ("lib/store/mirror_merge.c", "    if (outcome == NOTHING)\n        return write_as_it_is(mirror, values, counts, err);\n"
              "    if (mirror_merge_prepare", "    if (outcome != FAILED)\n        return write_as_it_is(mirror, values, counts, err);\n"
              "    if (mirror_merge_prepare")),
    Mutation("newest_base_wins", "the first value of a column is forgotten with the next edit",
             ("lib/model/change_base.c", "        if (!item->column || change_base_find(base, item->column))\n            continue;",
              "        if (!item->column)\n            continue;\n        if (change_base_find(base, item->column))\n"
              "            change_base_remove(base, item->column);")),
    Mutation("device_clock_believed", "last_write_wins does not correct the device's clock",
             ("lib/model/conflict_rule.c", "times->local_us + times->clock_offset_us", "times->local_us"),
             tests="device_clock and later_write"),
    Mutation("cut_anywhere", "a push ends in the middle of a local transaction",
             ("daemon/sync/engine_push.c", "    summary.through = request.through;",
              "    if (request.through > first + 130)\n        request.through = first + 130;\n    summary.through = request.through;"),
             tests="whole_transactions and no_daemon"),
    Mutation("children_go_without_their_parent", "what depends on a refused row is not set aside with it",
             ("daemon/sync/push_delivery.c", "    *out_undo = undo || added + more > 0;", "    *out_undo = undo;"),
             tests="one_bad_row and (children or connected or unit)"),
]
