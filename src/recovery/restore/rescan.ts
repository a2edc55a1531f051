/**
 * The last step of the way back, for a terminal. A wallet that was made anew watches only the addresses
 * that it found used by then: coins that confirm later into another one show only after this. Source:
 * lnd, `--reset-wallet-transactions` and `recovery_window` of the unlock, as measured on lnd 0.21.
 */
export const rescanText: readonly string[] = [
  "Needed if a sweep or a cooperative close of the old node had no block yet when it was lost, or",
  "if you don't know: such coins confirm at addresses that the new wallet doesn't watch. Stop lnd,",
  "start it once with --reset-wallet-transactions, and unlock it with a recovery window:",
  "    lncli stop",
  "    lnd --reset-wallet-transactions",
  "    lncli unlock --recovery_window=2500",
  "It only finds coins. If `lncli walletbalance` says the same before and after, none were missing.",
];
