"""Reads `[[ … ]]`."""

from __future__ import annotations

from ..syntax import Command, Test, TestNode
from .tokens import TokenReader

_UNARY = frozenset(f"-{letter}" for letter in "abcdefghknprstuvwxzGLNOSoRV")
_BINARY = frozenset(
    ["=", "==", "!=", "=~", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef"]
)


class ConditionReader(TokenReader):
    """Reads bash's conditions."""

    def _test(self) -> Command:
        self._is_in_condition = True
        node = self._test_or()
        self._is_in_condition = False
        self._skip_newlines()
        self._expect("]]")
        return Test(node)

    def _test_or(self) -> TestNode:
        left = self._test_and()
        while self._peek_operator() == "||":
            self._take_operator()
            self._skip_newlines()
            left = TestNode("||", (left, self._test_and()))
        return left

    def _test_and(self) -> TestNode:
        left = self._test_not()
        while self._peek_operator() == "&&":
            self._take_operator()
            self._skip_newlines()
            left = TestNode("&&", (left, self._test_not()))
        return left

    def _test_not(self) -> TestNode:
        self._skip_newlines()
        if self._peek_word() == "!":
            self._take_word_text("!")
            return TestNode("!", (self._test_not(),))
        if self._peek_operator() == "(":
            self._take_operator()
            node = self._test_or()
            self._expect_operator(")")
            return node
        word = self._peek_word()
        if word in _UNARY:
            start, line = self._position, self.line
            self._take_word_text(word or "")
            operand = None if self._peek_word() == "]]" else self._word()
            if operand is not None and self._peek_word() not in _BINARY:
                return TestNode(word or "", (operand,))
            self._position, self.line = start, line
        left = self._needed_word()
        operator = self._peek_word()
        shown = self._peek_operator()
        if shown in ("<", ">"):
            self._take_operator()
            return TestNode(shown, (left, self._needed_word()))
        if operator in _BINARY:
            self._take_word_text(operator or "")
            self._skip_blanks()
            right = self._regular_expression() if operator == "=~" else self._needed_word()
            return TestNode(operator or "", (left, right))
        return TestNode("-n", (left,))
