// Days on which the US stock exchanges do not trade, and days on which US stock trades do not settle, 2024 to 2028.
//
// Two lists, because they differ in both directions: on Columbus Day and Veterans Day the exchanges trade but the banks are
// closed and nothing settles; on an unplanned closure (2025-01-09) the exchanges are closed and settlement goes on.
//
// Sources:
// - NYSE Group press release of 2024-11-08, "NYSE Group Announces 2025, 2026 and 2027 Holiday and Early Closings Calendar".
// - NYSE Group press release of 2025-12-23, "... 2026, 2027 and 2028 Holiday and Early Closings Calendar". It observes no
//   New Year's Day for Saturday 2028-01-01, so 2027-12-31 is a normal session.
// - 2024, and the National Day of Mourning of 2025-01-09: the days on which the NYSE published no trades.
// - Columbus Day and Veterans Day: Federal Reserve Banks' holiday schedule. The Banks do not observe a holiday that falls
//   on a Saturday, so 2028 has no Veterans Day (2028-11-11).
// Extending the years means adding to all three lists below and raising `CLOSURES_LAST_YEAR`.

export const CLOSURES_FIRST_YEAR = 2024
export const CLOSURES_LAST_YEAR = 2028

/** Exchange holidays announced ahead. Nothing trades and nothing settles. */
export const HOLIDAYS: readonly string[] = [
  '2024-01-01', // New Year's Day
  '2024-01-15', // Martin Luther King, Jr. Day
  '2024-02-19', // Washington's Birthday
  '2024-03-29', // Good Friday
  '2024-05-27', // Memorial Day
  '2024-06-19', // Juneteenth National Independence Day
  '2024-07-04', // Independence Day
  '2024-09-02', // Labor Day
  '2024-11-28', // Thanksgiving Day
  '2024-12-25', // Christmas Day
  '2025-01-01',
  '2025-01-20',
  '2025-02-17',
  '2025-04-18',
  '2025-05-26',
  '2025-06-19',
  '2025-07-04',
  '2025-09-01',
  '2025-11-27',
  '2025-12-25',
  '2026-01-01',
  '2026-01-19',
  '2026-02-16',
  '2026-04-03',
  '2026-05-25',
  '2026-06-19',
  '2026-07-03', // Independence Day, observed
  '2026-09-07',
  '2026-11-26',
  '2026-12-25',
  '2027-01-01',
  '2027-01-18',
  '2027-02-15',
  '2027-03-26',
  '2027-05-31',
  '2027-06-18', // Juneteenth, observed
  '2027-07-05', // Independence Day, observed
  '2027-09-06',
  '2027-11-25',
  '2027-12-24', // Christmas Day, observed
  '2028-01-17',
  '2028-02-21',
  '2028-04-14',
  '2028-05-29',
  '2028-06-19',
  '2028-07-04',
  '2028-09-04',
  '2028-11-23',
  '2028-12-25',
]

/** Days on which the exchanges closed without having planned it. Nothing trades; settlement goes on. */
export const UNPLANNED_EXCHANGE_CLOSURES: readonly string[] = [
  '2025-01-09', // National Day of Mourning for President Carter
]

/** Weekdays on which the exchanges trade and the banks are closed: Columbus Day and Veterans Day. Nothing settles. */
export const BANK_HOLIDAYS_WITH_TRADING: readonly string[] = [
  '2024-10-14',
  '2024-11-11',
  '2025-10-13',
  '2025-11-11',
  '2026-10-12',
  '2026-11-11',
  '2027-10-11',
  '2027-11-11',
  '2028-10-09',
]
