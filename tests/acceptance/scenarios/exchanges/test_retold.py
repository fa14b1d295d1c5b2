"""The scenarios of mailboxes that are told of IMAP and of Exchange Online, told once more of Exchange Server.

They run with the `user` of this file.
"""

from collections.abc import Callable

import pytest

from tests.acceptance.scenarios import (
    test_arrivals,
    test_database,
    test_directory,
    test_limits,
    test_moved_and_marked,
    test_oddities,
    test_one_interaction,
    test_remote_control,
)
from tests.acceptance.scenarios.exchange_user import ExchangeUser

read = test_moved_and_marked.read

test_08 = test_oddities.test_scenario_08_a_letter_that_really_is_empty_is_logged_at_once
test_11 = test_database.test_scenario_11_history_begins_again_where_its_commit_failed
test_12 = test_arrivals.test_scenario_12_on_a_kept_connection_no_arrival_is_missed
test_13 = test_arrivals.test_scenario_13_an_arrival_is_seen_though_the_number_of_messages_is_the_same
test_14 = test_one_interaction.test_scenario_14_moving_twice_between_two_passes_is_one_interaction
test_16 = test_one_interaction.test_scenario_16_sent_copy_and_the_copy_to_oneself_are_one_outbound_mail
test_18 = test_one_interaction.test_scenario_18_without_message_id_the_text_tells_two_apart
test_40 = test_limits.test_scenario_40_the_mailbox_of_a_dead_process_is_taken_at_once
test_41 = test_one_interaction.test_scenario_41_a_draft_in_sent_is_logged_when_only_its_flag_goes
test_43 = test_directory.test_scenario_43_mail_that_moved_before_the_import_is_found_where_it_lies
test_44_no_trace = test_remote_control.test_scenario_44_nothing_of_private_mail_is_left_in_the_database_file
test_44 = test_remote_control.test_scenario_44_mail_that_is_no_longer_private_comes_back
test_moved_and_marked_mail = test_moved_and_marked.test_mail_that_is_moved_and_marked_between_two_passes_is_taken_back


@pytest.fixture
def user(make_on_premises: Callable[[], ExchangeUser]) -> ExchangeUser:
    """Anna's mailbox on Exchange Server."""
    return make_on_premises()
