export const VERSION = "0.15.0";
